#!/usr/bin/env bash
# Makes the Python environment of the tests' peers once, and prints its interpreter's path. Safe to
# call from many tests at the same time; made again when the requirements change.
#
# Usage: venv.sh [REQUIREMENTS NAME], for an environment of other requirements.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
requirements="${1:-$here/requirements.txt}"
target="${CARGO_TARGET_DIR:-$here/../../target}"
mkdir -p "$target"
venv="$(cd "$target" && pwd)/${2:-venv}"
exec 9>"$venv.lock"
flock 9
if ! cmp -s "$requirements" "$venv/installed.txt"; then
  rm -rf "$venv"
  python3 -m venv "$venv" >&2
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$requirements" >&2
  cp "$requirements" "$venv/installed.txt"   # last: a half-made one is made again
fi
echo "$venv/bin/python"
