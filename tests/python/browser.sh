#!/usr/bin/env bash
# Prints where Chromium is, for the tests of the pages. Where it is missing and the machine lets us, Debian's
# is installed, with fonts for the languages of the pages.
set -euo pipefail
for name in chromium chromium-browser google-chrome; do
  if command -v "$name"; then exit 0; fi
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  exec 9>/tmp/homeward-chromium.lock
  flock 9
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      chromium fonts-noto-core; } >&2 || true
  if command -v chromium; then exit 0; fi
fi
echo "hint: the tests of the pages need Chromium: apt-get install chromium fonts-noto-core" >&2
exit 2
