#!/usr/bin/env python3
"""Carries out the words of infra/README.md, from the first command to an erasure's receipt, in `cloud.py`'s cloud.

usage: trial.py PROGRAMS WORLD WORK TOOLS
WORLD is what `world.py` drew; WORK is an empty folder; TOOLS a folder with `aws`. Prints one line of JSON.

Every line of the page's first six blocks in `sh` is run as it stands there, in one shell, but `infra/build`: in its place
`artefacts.py` puts what it would have made, so that nothing is compiled for another machine. A person's part is played
by a `y` where SAM asks, and by waiting until the first lead is there. Before the last block a message and the changes of
a table are given up, as if a program had failed on them.
"""
import json, os, pathlib, re, shutil, subprocess, sys
from stage import Cloud, EDGES, HERE, ROOT

programs, world, work, tools = map(pathlib.Path, sys.argv[1:])
BUILD = "infra/build "
WAIT = """
for second in $(seq 240); do
  homeward leads --to "$API" --csv 2>/dev/null | grep -q 26-0417 && break
  sleep 1
done
"""

GIVEN_UP = f"{sys.executable} {HERE}/given_up.py homeward-prod"


def blocks():
    page = (ROOT / "infra/README.md").read_text()
    deploy, administrator, first, case, rest, alarm = re.findall(r"^```sh\n(.*?)^```$", page, re.M | re.S)[:6]
    lines = deploy.splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith(BUILD)]
    assert len(kept) + 1 == len(lines), "the page tells to build"
    return ["".join(kept), administrator, first, case, WAIT, rest, GIVEN_UP, alarm]


def checkout():
    """The checkout, with a folder of its own for what is built."""
    for name in ("infra", "samconfig.toml"):
        (work / name).symlink_to(ROOT / name)
    (work / "target").mkdir()
    (work / "target/infra-venv").symlink_to(ROOT / "target/infra-venv")
    subprocess.run([sys.executable, HERE / "artefacts.py", ROOT / "infra/template.yaml", programs, work / "target/sam"], check=True)
    shutil.copytree(world / "references", work / "photos")
    shutil.copytree(world / "ads", work / "scraped")


def main():
    checkout()
    cloud = Cloud(programs, work / "logs")
    variables = EDGES | {"AWS_ENDPOINT_URL": cloud.url, "AWS_ENDPOINT_URL_CLOUDFORMATION": cloud.url, "PATH": f"{programs}:{tools}:{os.environ['PATH']}", "HOME": str(work),
        "CARGO_TARGET_DIR": str(work / "target")}
    try:
        said, failed = [], None
        script = "set -euo pipefail\n" + "".join(f"{block}\necho; echo '=== {number}'\n" for number, block in enumerate(blocks()))
        done = subprocess.run(["bash", "-c", script], cwd=work, env=variables, input="y\n", capture_output=True, text=True)
        said = done.stdout.split("\n=== ")
        print(done.stdout, done.stderr, file=sys.stderr)
        print(json.dumps({"status": done.returncode, "blocks": len(said) - 1, "said": said, "talk": done.stderr, "rights": cloud.control("rights")}))
    finally:
        cloud.end()


main()
