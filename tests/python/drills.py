#!/usr/bin/env python3
"""Drills of `infra/restore` and `infra/move` on a stage in `cloud.py`'s cloud, by the commands of infra/README.md.

usage: drills.py DRILL PROGRAMS WORLD LOGS
WORLD is what `world.py` drew. Prints one line of JSON: the pairs of case and ad that have leads, those that are
true, how many alerts tell of a lead that was told before, and what the commands said.
"""
import collections, datetime, json, pathlib, subprocess, sys, time
import botocore.exceptions
from stage import Cloud, ROOT, Stage, until

drill, programs, world, logs = sys.argv[1], *map(pathlib.Path, sys.argv[2:5])
truth = json.loads((world / "truth.json").read_text())
true = sorted((reference, ad) for ad, references in truth.items() for reference in references)
ads, photos = sorted((world / "ads").iterdir()), sorted((world / "references").iterdir())
half = len(ads) // 2, len(photos) // 2
cloud = Cloud(programs, logs)
stage = Stage(cloud, "prod")
stage.tenants()
said = []


def run(command, ends_with=0):
    """A command of the documents; `--yes` and `--settle` stand for a person and a quarter of an hour."""
    print(f"$ {command}", file=sys.stderr, flush=True)
    done = subprocess.run([*command.split(), "--yes", "--settle", "0"], cwd=ROOT, capture_output=True, text=True)
    said.append({"command": command, "said": done.stdout + done.stderr})
    if done.returncode != ends_with:
        raise SystemExit(f"{command} ended with {done.returncode}: {done.stdout}{done.stderr}")
    print(done.stdout + done.stderr, file=sys.stderr, flush=True)


def moment():
    cloud.control("moment")
    time.sleep(1.1)
    return f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%dT%H:%M:%SZ}"


def before_a_snapshot():
    """Two photos were sought at that moment; since then one was withdrawn and one erased, and so they stay."""
    stage.put_photos(photos[:2])
    at = moment()
    known = {it["case_id"]: it["reference_id"] for it in stage.all("unit", "/v1/references")}
    stage.ask("unit", "DELETE", f"/v1/references/{known[photos[0].name]}")
    erasure = stage.ask("unit", "POST", "/v1/erasures", {"reference_id": known[photos[1].name]})["erasure_id"]
    stage.put_photos(photos[2:3])
    stage.segment("references/")
    until("it is erased", lambda: stage.ask("unit", "GET", f"/v1/erasures/{erasure}")["state"] == "done")
    cloud.control("age")
    run(f"infra/restore prod --to {at} --dry-run")
    assert stage.ask("unit", "GET", f"/v1/erasures/{erasure}")["state"] == "done", "a plan changes nothing"
    run(f"infra/restore prod --to {at} --all")
    stage.put_photos(photos[2:])
    stage.put_ads(ads)
    true[:] = [it for it in true if it[0] not in (photos[0].name, photos[1].name)]


def before_a_compaction():
    """Of the first photo leads were told before the moment and since: those stay told, and are not told again."""
    stage.put_photos(photos[:1])
    stage.put_ads(ads[:half[0]])
    at = moment()
    stage.segment("ads/")
    stage.put_ads(ads[half[0]:])
    until("the tail is empty", lambda: not stage.dynamodb.scan(TableName="homeward-prod-ads-tail")["Count"])
    if stage.s3.list_object_versions(Bucket=stage.segments, Prefix="packs/").get("Versions"):
        stage.lose("packs/")      # as an hour after they were absorbed, and 35 days
    cloud.control("age")
    run(f"infra/restore prod --to {at}")
    stage.recorded({it.name for it in ads})
    stage.put_photos(photos[1:])


def without_a_manifest():
    stage.put_ads(ads)
    stage.segment("ads/")
    stage.lose("ads/manifest")
    run("infra/restore prod", ends_with=1)
    run("infra/restore prod --rebuild")
    stage.put_photos(photos)


def without_the_segments_bucket():
    stage.put_ads(ads)
    stage.put_photos(photos[:half[1]])
    stage.segment("ads/")
    stage.lose("")
    run("infra/restore prod", ends_with=1)
    run("infra/restore prod --rebuild")
    stage.put_photos(photos[half[1]:])


def moved():
    global stage
    stage.put_ads(ads)
    stage.put_photos(photos[:half[1]])
    stage.segment("ads/")
    tokens = stage.tokens
    old, stage = stage, Stage(cloud, "next")
    run("infra/move prod next")
    stage.tokens = tokens
    stage.put_photos(photos[half[1]:])


# Kinds of keys that no program looks at: 8 in the bucket of ads, 4 in that of photos.
WRONG = {"ads": ["x.jpg", "ads/x.jpg", "ads//x.jpg", "Ads/uploader/x.jpg", "references/unit/case/x.jpg", "ads/uploader/../x.jpg",
    "ads/UPLOADER/x.jpg", "ads/nobody/x.jpg"],
    "references": ["references/unit/x.jpg", "references/unit//x.jpg", "unit/case/x.jpg", "references/nobody/case/x.jpg"]}


def wrong_keys():
    """Refused by the bucket, or counted by the round."""
    run("infra/restore staging --to 2026-11-29T10:00:00Z", ends_with=1)      # no such stage
    run("infra/restore prod --to 2020-01-01T00:00:00Z", ends_with=1)         # no such moment
    refused, taken = [], []
    for bucket, keys in WRONG.items():
        for key in keys:
            try:
                stage.s3.put_object(Bucket=getattr(stage, bucket), Key=key, Body=b"no picture")
                taken.append(key)
            except botocore.exceptions.ClientError as error:
                assert error.response["Error"]["Code"] == "AccessDenied", error
                refused.append(key)
    walk = {"pk": {"S": "walk"}, "sk": {"S": "objects"}}
    stage.dynamodb.delete_item(TableName="homeward-prod-ads", Key=walk)      # a round begins
    counted = lambda: int(stage.dynamodb.get_item(TableName="homeward-prod-ads", Key=walk).get("Item", {}).get("orphans", {}).get("N", 0))
    until(f"{len(taken)} are counted", lambda: counted() >= len(taken))
    said.append({"refused": refused, "taken": taken, "counted": counted()})
    true.clear()


DRILLS = {"keys": wrong_keys, "snapshot": before_a_snapshot, "compaction": before_a_compaction, "manifest": without_a_manifest,
    "segments": without_the_segments_bucket, "move": moved}


def main():
    DRILLS[drill]()
    try:
        until(f"{len(true)} leads", lambda: stage.pairs() == true)
    except SystemExit as error:
        print(error, file=sys.stderr)
    told = collections.Counter(it["data"]["lead_id"] for it in stage.all("unit", "/v1/alerts") if it["type"].endswith("lead.created"))
    rights = cloud.control("rights")
    print(json.dumps({"pairs": stage.pairs(), "true": true, "told_twice": sum(it > 1 for it in told.values()), "denied": rights["denied"], "said": said}))


try:
    main()
finally:
    cloud.end()
