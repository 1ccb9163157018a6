"""From a JPEG's bytes to its hash: Homeward beside the peers, on one core, in one run.

Usage: python3 tests/bench/bytes_to_hash.py [--photo FILE]... [--rounds N] [--json FILE]

Draws photo-like JPEGs of 0.1, 1 and 12 megapixels (or takes the given ones), lets every side hash
each of them in turns, and prints the best time of each and how many times longer each peer took.
The best, because on a busy machine a median favours whoever is done within one time slice; the
medians are in the JSON. The peers are PyPI pdqhash and imagehash (phash), both with
Pillow as decoder, and the crate image_hasher with image as decoder and its fast resize on.
Installs what it needs: tests/python/venv.sh, and cargo for our side.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
SIDES = ["pdq", "of_ad", "decode", "image_hasher", "pdqhash", "imagehash"]
PEERS = ["image_hasher", "pdqhash", "imagehash"]
MEGAPIXELS = {"0.1 MP": (365, 274), "1 MP": (1155, 866), "12 MP": (4000, 3000)}
# What the issue asks of `pdq` over each peer, where it asks for something.
AIMS = {"1 MP": (5, 12, 3), "12 MP": (10, 26, 4)}


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--photo", action="append", default=[], help="a JPEG of your own")
    arguments.add_argument("--rounds", type=int, default=15, help="turns of each side (15)")
    arguments.add_argument("--json", help="where to write the figures as JSON")
    chosen = arguments.parse_args()
    binary = build()
    if hasattr(os, "sched_setaffinity"):  # Linux only: one core for all that is started from here
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as folder:
        files = {path: path for path in chosen.photo} or drawn(folder)
        results = {name: measured(binary, path, chosen.rounds) for name, path in files.items()}
    print(table(results))
    if chosen.json:
        pathlib.Path(chosen.json).write_text(json.dumps(results, indent=1) + "\n")


def build():
    """Builds our side and returns its path."""
    target = os.environ.get("CARGO_TARGET_DIR", HERE.parents[1] / "target/bench")
    command = ["cargo", "build", "--release", "--quiet", "--message-format=json"]
    command += ["--target-dir", str(target)]
    built = subprocess.run(command, cwd=HERE / "bytes_to_hash", stdout=subprocess.PIPE, check=True)
    messages = map(json.loads, built.stdout.splitlines())
    return next(m["executable"] for m in messages if m.get("executable"))


def drawn(folder):
    """Photo-like JPEGs: noise of every scale, stronger the coarser, as photos have it."""
    import numpy
    from PIL import Image

    files = {}
    for name, (width, height) in MEGAPIXELS.items():
        random = numpy.random.default_rng(1)
        light = numpy.zeros((height, width, 3), numpy.float32)
        step = 2
        while step < width:
            size = (-(-width // step), -(-height // step))
            noise = random.integers(0, 256, (size[1], size[0], 3), dtype=numpy.uint8)
            layer = Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC)
            light += (numpy.asarray(layer, numpy.float32) - 128) * step**0.6
            step *= 2
        light = 128 + light / light.std() * 50
        path = os.path.join(folder, name.replace(" ", "") + ".jpg")
        Image.fromarray(light.clip(0, 255).astype(numpy.uint8)).save(path, quality=85)
        files[name] = path
    return files


def measured(binary, path, rounds):
    """Milliseconds of each side, taken in turns: the best, and the median."""
    own = {side: [binary, side, path] for side in SIDES[:4]}
    python = {side: [sys.executable, __file__, "--side", side, path] for side in SIDES[4:]}
    workers = {
        side: subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for side, command in (own | python).items()
    }
    times = {side: [] for side in SIDES}
    for turn in range(rounds + 2):  # the first two warm up
        for side, worker in workers.items():
            worker.stdin.write(b"\n")
            worker.stdin.flush()
            nanoseconds = int(worker.stdout.readline() or sys.exit(f"{side} ended on {path}"))
            if turn >= 2:
                times[side].append(nanoseconds)
    for worker in workers.values():
        worker.stdin.close()
        worker.wait()
    return {
        side: {"best_ms": min(taken) / 1e6, "median_ms": statistics.median(taken) / 1e6}
        for side, taken in times.items()
    }


def table(results):
    lines = [
        "| picture | ours: PDQ | of it decoding | ours: ad fingerprint | "
        + " | ".join(f"{peer}" for peer in PEERS) + " |",
        "| --- |" + " ---: |" * 6,
    ]
    for name, measured_sides in results.items():
        taken = {side: figures["best_ms"] for side, figures in measured_sides.items()}
        aims = AIMS.get(name, (None,) * 3)
        cells = [f"{taken[side]:.2f} ms" for side in ("pdq", "decode", "of_ad")]
        for peer, aim in zip(PEERS, aims):
            wanted = f", aim {aim}x" if aim else ""
            cells.append(f"{taken[peer]:.2f} ms = **{taken[peer] / taken['pdq']:.1f}x**{wanted}")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def serve(side, path):
    """A Python peer: hashes once for each line on standard input, answers with nanoseconds."""
    import io

    import imagehash
    import numpy
    import pdqhash
    from PIL import Image

    def by_pdqhash(data):
        pdqhash.compute(numpy.array(Image.open(io.BytesIO(data)).convert("RGB")))

    def by_imagehash(data):
        imagehash.phash(Image.open(io.BytesIO(data)))

    run = {"pdqhash": by_pdqhash, "imagehash": by_imagehash}[side]
    data = pathlib.Path(path).read_bytes()
    for _ in sys.stdin:
        start = time.perf_counter_ns()
        run(data)
        print(time.perf_counter_ns() - start, flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--side"]:
        serve(*sys.argv[2:])
    elif os.environ.get("HOMEWARD_BENCH_PYTHON") is None:
        made = subprocess.run([HERE.parent / "python/venv.sh"], stdout=subprocess.PIPE, check=True)
        python = made.stdout.decode().split()[-1]
        os.environ["HOMEWARD_BENCH_PYTHON"] = python
        os.execv(python, [python, *sys.argv])
    else:
        main()
