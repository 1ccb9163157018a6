"""Ads through `homeward serve`, beside the bare loop that only makes fingerprints, in one run.

Usage: python3 tests/bench/ingest.py --photos DIR [--count N] [--jobs N] [--json FILE]

Makes N different JPEG files from the photos in DIR (small crops, encoded anew, 1,280 px at most), and
then in turns
- `homeward compare` of all of them with one reference: decoding and both stages of the fingerprint on
  all cores, and next to nothing else;
- `homeward upload --wait` of all of them into a fresh `homeward serve` that knows that reference: sent,
  stored durably, told by an event, decoded, fingerprinted, recorded, looked up, and the answer awaited;
  once as one object each, once as bundles.
Prints photos a second of each, and the share of the bare loop's speed. The uploading program runs on
the same cores and has its part of them.
Installs what it needs: tests/python/venv.sh, Pillow beside it, and cargo for our side.
"""
import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SIDE_PX_MAX, CROP_MAX = 1_280, 0.05
QUALITIES = [80, 85, 90]
EXTENSIONS = {".jpg", ".jpeg", ".png", ".webp"}
AIM = 0.6


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--photos", required=True, type=pathlib.Path, help="a folder of photos")
    arguments.add_argument("--count", type=int, default=10_000, help="files to make of them (10,000)")
    arguments.add_argument("--jobs", type=int, default=8, help="objects sent at the same time (8)")
    arguments.add_argument("--json", help="where to write the figures as JSON")
    chosen = arguments.parse_args()
    homeward = built()
    with tempfile.TemporaryDirectory(dir=ROOT / "target") as folder:
        folder = pathlib.Path(folder)
        ads, reference = folder / "ads", folder / "references"
        made(chosen.photos, chosen.count, ads, reference)
        seconds = {
            "bare loop": bare(homeward, ads, reference, folder),
            "through serve": served(homeward, ads, folder / "single", ["--jobs", str(chosen.jobs)]),
            "through serve, in bundles": served(homeward, ads, folder / "bundled", ["--bundle"]),
        }
    rows = {name: {"per_s": chosen.count / it, "share": seconds["bare loop"] / it} for name, it in seconds.items()}
    print(f"{chosen.count} photos on {os.cpu_count()} cores; aim: a share of {AIM}\n")
    print("| | photos a second | share |\n| --- | ---: | ---: |")
    for name, row in rows.items():
        print(f"| {name} | {row['per_s']:.1f} | {row['share']:.2f} |")
    if chosen.json:
        pathlib.Path(chosen.json).write_text(json.dumps(rows, indent=1) + "\n")


def built():
    """Builds our side and returns its path."""
    if "HOMEWARD" in os.environ:
        return os.environ["HOMEWARD"]
    subprocess.run(["cargo", "build", "--release", "--quiet", "-p", "homeward"], cwd=ROOT, check=True)
    return str(ROOT / "target/release/homeward")


def made(photos, count, ads, reference):
    """Makes `count` different pictures, and a reference apart from them."""
    with_pillow = [sys.executable, __file__, "--make", str(photos), str(count), str(ads), str(reference)]
    if importable("PIL"):
        return make(photos, count, ads, reference)
    venv = subprocess.run([ROOT / "tests/python/venv.sh"], check=True, capture_output=True, text=True)
    python = venv.stdout.split()[-1]
    with_pillow[0] = python
    subprocess.run([python, "-m", "pip", "install", "--quiet", "Pillow"], check=True)
    subprocess.run(with_pillow, check=True)


def importable(name):
    try:
        __import__(name)
    except ImportError:
        return False
    return True


def make(photos, count, ads, reference):
    from PIL import Image

    ads.mkdir(parents=True)
    reference.mkdir()
    files = sorted(file for file in pathlib.Path(photos).rglob("*") if file.suffix.lower() in EXTENSIONS)
    if len(files) < 2:
        sys.exit(f"hint: {photos} has fewer than two photos")
    Image.open(files[-1]).convert("RGB").save(reference / "reference.jpg", quality=90)
    for number in range(count):
        dice = random.Random(number)
        picture = Image.open(files[number % (len(files) - 1)]).convert("RGB")
        picture.thumbnail((SIDE_PX_MAX, SIDE_PX_MAX))
        left, top = (int(side * CROP_MAX * dice.random()) for side in picture.size)
        picture = picture.crop((left, top, *picture.size))
        picture.save(ads / f"{number:06}.jpg", quality=dice.choice(QUALITIES), comment=str(number))


def bare(homeward, ads, reference, folder):
    command = [homeward, "compare", "--references", reference, "--ads", ads, "--out", folder / "out.csv"]
    began = time.monotonic()
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    return time.monotonic() - began


def served(homeward, ads, data, options):
    """Seconds from the first byte sent until every photo is recorded."""
    log = open(f"{data}.log", "w")
    command = [homeward, "serve", "--data", data, "--port", "0"]
    serve = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        ready = json.loads(serve.stdout.readline())
        environment = os.environ | {"HOMEWARD_TOKEN": ready["tokens"]["uploader"]}
        upload = [homeward, "upload", ads, "--to", ready["api"], "--wait", "--json", "--state", f"{data}.state"]
        began = time.monotonic()
        done = subprocess.run(upload + options, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
        seconds = time.monotonic() - began
        if done.returncode != 0:
            sys.exit(f"homeward upload failed: {done.stdout}{pathlib.Path(log.name).read_text()[-2000:]}")
        print(f"{data.name}: {done.stdout.strip()}", file=sys.stderr)
        return seconds
    finally:
        serve.terminate()
        serve.wait(timeout=60)
        log.close()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--make"]:
        photos, count, ads, reference = sys.argv[2:]
        make(pathlib.Path(photos), int(count), pathlib.Path(ads), pathlib.Path(reference))
    else:
        main()
