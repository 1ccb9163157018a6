#!/usr/bin/env bash
# Makes the Python environment of the tests' peers once, and prints its interpreter's path. Safe to
# call from many tests at the same time; made anew when the requirements change.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
target="${CARGO_TARGET_DIR:-$here/../../target}"
mkdir -p "$target"
venv="$(cd "$target" && pwd)/venv"
exec 9>"$venv.lock"
flock 9
if ! cmp -s "$here/requirements.txt" "$venv/installed.txt"; then
  rm -rf "$venv"
  python3 -m venv "$venv" >&2
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt" >&2
  cp "$here/requirements.txt" "$venv/installed.txt"   # last: a half-made one is made again
fi
echo "$venv/bin/python"
