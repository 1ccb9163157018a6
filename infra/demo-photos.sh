#!/usr/bin/env bash
# Obtains a few freely licensed photos for `homeward demo` and prints the folder that holds them.
#
# They come from scikit-image's wheel on the package registry, whose `skimage/data/_fetchers.py`
# says of each:
#   astronaut  portrait of Eileen Collins, NASA: public domain
#   camera     a photographer at work, Lav Varshney: CC0
#   chelsea    a cat, Stefan van der Walt: CC0
#   coffee     a cup, Rachel Michetti: CC0
#   coins      Greek coins, Brooklyn Museum: no known copyright restrictions
#   rocket     a launch, SpaceX: public domain
# Nothing is fetched again once they are there. Needs python3 with pip.
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.26.0
folder=${1:-target/demo-photos}
photos=(astronaut.png camera.png chelsea.png coffee.png coins.png rocket.jpg)

if [ -d "$folder" ]; then echo "$folder"; exit; fi
python3 -m pip --version >/dev/null 2>&1 || {
  echo "error: pip is missing" >&2
  echo "hint: apt-get install python3-pip, or give your own photos: homeward demo --photos DIR" >&2
  exit 2
}
mkdir -p "$(dirname "$folder")"
work=$(mktemp -d "$(dirname "$folder")/.demo-photos-XXXXXX")
trap 'rm -rf "$work"' EXIT

echo "obtaining ${#photos[@]} freely licensed photos (14 MB, once) ..." >&2
python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
  --python-version 3.12 --dest "$work/wheel" "scikit-image==$version" >&2 || {
  echo "error: the photos could not be obtained" >&2
  echo "hint: check the network, or give your own photos: homeward demo --photos DIR" >&2
  exit 1
}
mkdir "$work/photos"
python3 - "$work" "${photos[@]}" <<'PYTHON'
import pathlib, sys, zipfile
work, *photos = sys.argv[1:]
(wheel,) = pathlib.Path(work, "wheel").glob("*.whl")
with zipfile.ZipFile(wheel) as archive:
    for photo in photos:
        pathlib.Path(work, "photos", photo).write_bytes(archive.read(f"skimage/data/{photo}"))
PYTHON
mv "$work/photos" "$folder"   # whole or not at all
echo "$folder"
