#!/usr/bin/env python3
"""A unit takes references back by deleting their photos in S3, with its own key pair.

usage: deleted_photos.py READY_JSON PAIR_JSON PHOTO OTHER_PHOTO
Exits 0 if each delete silences what it must, before it is answered, and nothing else.
"""
import json, pathlib, sys, time
import boto3, botocore.config, requests

ready, pair = json.loads(sys.argv[1]), json.loads(sys.argv[2])
photo, other = (pathlib.Path(path).read_bytes() for path in sys.argv[3:5])
config = botocore.config.Config(s3={"addressing_style": "path"})
s3 = boto3.client("s3", endpoint_url=ready["s3"], region_name=ready["region"], aws_access_key_id=pair["access_key_id"],
                  aws_secret_access_key=pair["secret_access_key"], config=config)
BUCKET = ready["references_bucket"]
token = {"authorization": "Bearer " + ready["tokens"]["unit"]}


def statuses(case):
    items = requests.get(ready["api"] + "/v1/references", params={"case_id": case, "limit": 100}, headers=token, timeout=30).json()["items"]
    return sorted(item["status"] for item in items)


def until(case, expected):
    end = time.monotonic() + 60
    while statuses(case) != expected:
        assert time.monotonic() < end, f"{case}: {statuses(case)}, never {expected}"
        time.sleep(.1)


def put(key, body):
    return s3.put_object(Bucket=BUCKET, Key=f"references/unit/{key}", Body=body)["VersionId"]


def delete(key, **version):
    s3.delete_object(Bucket=BUCKET, Key=f"references/unit/{key}", **version)


# Deleted: withdrawn as the answer comes, and it stays so.
put("gone/a.jpg", photo)
until("gone", ["active"])
delete("gone/a.jpg")
assert statuses("gone") == ["withdrawn"], "the answer came before the reference was silent"
# Put again at once, in the same second: it is sought again.
put("gone/a.jpg", photo)
until("gone", ["active"])
for _ in range(5):
    delete("gone/a.jpg")
    put("gone/a.jpg", photo)
    until("gone", ["active"])
delete("gone/a.jpg")
assert statuses("gone") == ["withdrawn"]
# Withdrawn by a request and put again at once.
put("asked/a.jpg", photo)
until("asked", ["active"])
asked = requests.get(ready["api"] + "/v1/references", params={"case_id": "asked"}, headers=token, timeout=30).json()["items"]
for _ in range(3):
    requests.delete(f"{ready['api']}/v1/references/{asked[0]['reference_id']}", headers=token, timeout=30).raise_for_status()
    put("asked/a.jpg", photo)
    until("asked", ["active"])
# Deleted with others in one request.
put("many/a.jpg", photo)
put("many/b.jpg", other)
until("many", ["active", "active"])
s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": "references/unit/many/a.jpg"}, {"Key": "references/unit/many/b.jpg"}]})
assert statuses("many") == ["withdrawn", "withdrawn"]
# An old version goes: what lies there now is sought on.
old = put("versions/a.jpg", photo)
put("versions/a.jpg", photo)
until("versions", ["active"])
delete("versions/a.jpg", VersionId=old)
assert statuses("versions") == ["active"]
# Renamed: the same photo of the same case.
put("renamed/a.jpg", photo)
until("renamed", ["active"])
s3.copy_object(Bucket=BUCKET, Key="references/unit/renamed/b.jpg", CopySource={"Bucket": BUCKET, "Key": "references/unit/renamed/a.jpg"})
delete("renamed/a.jpg")
assert statuses("renamed") == ["active"]
# Its last place goes too.
delete("renamed/b.jpg")
assert statuses("renamed") == ["withdrawn"]
# Submitted again, it is sought again.
put("gone/a.jpg", photo)
until("gone", ["active"])
# Nothing that comes later changes any of it.
time.sleep(2)
assert [statuses(case) for case in ("gone", "versions", "renamed")] == [["active"], ["active"], ["withdrawn"]]
