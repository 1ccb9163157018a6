# Sourced by the scripts of this folder: Python environments with pinned tools, below target/.
target="${CARGO_TARGET_DIR:-target}"
command -v python3 >/dev/null || { echo "hint: apt-get install python3 python3-venv" >&2; exit 2; }

# environment NAME REQUIREMENTS: made once, and anew when the requirements change.
environment() {
  local venv="$target/$1"
  mkdir -p "$target"
  exec 9>"$venv.lock"
  flock 9
  if ! cmp -s "$2" "$venv/installed.txt"; then
    echo "installing $1 (once) ..." >&2
    rm -rf "$venv"
    python3 -m venv "$venv" || return
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$2" >&2 || return
    cp "$2" "$venv/installed.txt"   # last: a half-made one is made again
  fi
  exec 9>&-
}
