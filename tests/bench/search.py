"""Search among whole-picture hashes: Homeward beside faiss, on one thread, in one run.

Usage: python3 tests/bench/search.py [--items N]... [--rounds N] [--plot FILE] [--json FILE]

Random hashes with planted neighbours of the queries, at distances 0 to 40, as they are and as
negatives. In turns faiss (`IndexBinaryFlat`, range search, one thread) and Homeward (by index, and
by a scan with each kernel) look for all hashes within 31 bits; the best turn of each counts. faiss
looks for the hashes alone, Homeward for their negatives as well. What was found is compared with
what faiss finds of both. Then new references, 16 framings each, are sought among generated records
of past ads, 96 bytes each, on two threads, and the growth of that is drawn.

Times are processor times of the thread, so that a busy machine's other work is not counted; those
of the last table are wall-clock, with the busier thread's processor time beside it.
Installs what it needs: tests/python/venv.sh, and cargo for our side.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
DISTANCE_BITS_MAX = 31
QUERIES = 100
# Of the distances 0 to 40 each query has neighbours at four, so that all are tried, and yet finding
# stays as rare as it is.
PLANTED_DISTANCES, PLANTED = 41, 4
# What the issue asks for: times faiss by index, times faiss by a scan of 100 queries together.
AIMS = {100_000: 4, 1_000_000: 8, 10_000_000: 14}
AIM_TOGETHER, AIM_BANDWIDTH, AIM_BYTES, AIM_RETRO_S = 4.5, 0.9, 96, 5
RETRO_ITEMS = [100_000, 300_000, 1_000_000, 3_000_000, 10_000_000]
RETRO_REFERENCES = [1, 10, 100]


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--items", type=int, action="append", help="10^5, 10^6 and 10^7")
    arguments.add_argument("--rounds", type=int, default=5, help="turns of each side (5)")
    arguments.add_argument("--plot", default=str(HERE.parents[1] / "target/retro-match.svg"))
    arguments.add_argument("--json", help="where to write the figures as JSON")
    chosen = arguments.parse_args()
    binary = build()
    measured = {items: search(binary, items, chosen.rounds) for items in chosen.items or AIMS}
    print(search_table(measured))
    print(kernel_table(measured))
    retro = {items: retro_match(binary, items) for items in RETRO_ITEMS}
    print(retro_table(retro))
    plot(retro, chosen.plot)
    print(f"growth: {chosen.plot}")
    if chosen.json:
        text = json.dumps({"search": measured, "retro": retro}, indent=1)
        pathlib.Path(chosen.json).write_text(text + "\n")


def build():
    """Builds our side and returns its path."""
    target = os.environ.get("CARGO_TARGET_DIR", HERE.parents[1] / "target/bench")
    command = ["cargo", "build", "--release", "--quiet", "--message-format=json"]
    command += ["--target-dir", str(target)]
    built = subprocess.run(command, cwd=HERE / "search", stdout=subprocess.PIPE, check=True)
    messages = map(json.loads, built.stdout.splitlines())
    return next(m["executable"] for m in messages if m.get("executable"))


class Worker:
    """Our side as a process: a job a line, its answer as JSON."""

    def __init__(self, *command):
        self.process = subprocess.Popen(
            list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __call__(self, job):
        self.process.stdin.write(job + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline() or sys.exit(f"ended on: {job}"))

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def drawn(items):
    """Hashes, queries, and the planted pairs that are near."""
    import numpy

    random = numpy.random.default_rng(1)
    hashes = random.integers(0, 256, (items, 32), dtype=numpy.uint8)
    queries = random.integers(0, 256, (QUERIES, 32), dtype=numpy.uint8)
    planted = set()
    places = random.permutation(items)[: QUERIES * PLANTED]
    for number, place in enumerate(map(int, places)):
        distance, negative = number % PLANTED_DISTANCES, 255 * (number // PLANTED_DISTANCES % 2)
        bits = numpy.zeros(256, numpy.uint8)
        bits[random.permutation(256)[:distance]] = 1
        hashes[place] = queries[number // PLANTED] ^ numpy.packbits(bits) ^ negative
        if distance <= DISTANCE_BITS_MAX:
            planted.add((number // PLANTED, place))
    return hashes, queries, planted


def search(binary, items, rounds):
    """Seconds of each side for all queries, the best of its turns; and what they found."""
    import faiss

    faiss.omp_set_num_threads(1)
    hashes, queries, planted = drawn(items)
    flat = faiss.IndexBinaryFlat(256)
    flat.add(hashes)
    with tempfile.TemporaryDirectory() as folder:
        files = os.path.join(folder, "hashes"), os.path.join(folder, "queries")
        hashes.tofile(files[0])
        queries.tofile(files[1])
        ours = Worker(binary, *files)
        size = ours("size")
    jobs = {
        "faiss alone": lambda: seconds(lambda: [within(flat, query[None]) for query in queries]),
        "index": lambda: ours("index"),
        "faiss together": lambda: seconds(lambda: within(flat, queries)),
        "read": lambda: ours("read"),
    }
    for kernel in size["kernels"]:
        for way in ("alone", "together"):
            job = f"scan {kernel} {way}"
            jobs[job] = lambda job=job: ours(job)
    turns = {job: [] for job in jobs}
    for _ in range(rounds):
        for job, run in jobs.items():
            # Small sets more than once in a turn, so that both sides find them in the caches.
            turns[job] += [run() for _ in range(max(1, 1_000_000 // items))]
    truth = pairs(within(flat, queries)) | pairs(within(flat, ~queries))
    assert planted <= truth, "faiss finds all that was planted"
    found = {way: set(map(tuple, ours(f"found {way}"))) for way in ("scan", "index")}
    ours.end()
    return {
        "best_s": {job: min(taken) for job, taken in turns.items()},
        "kernels": size["kernels"],
        "index_bytes_an_item": size["index_bytes"] / items,
        "index_s": size["index_s"],
        "pairs": len(truth),
        "planted_pairs": len(planted),
        "recall": {way: len(found[way] & truth) / len(truth) for way in found},
        "wrong": {way: len(found[way] - truth) for way in found},
    }


def within(flat, queries):
    """faiss counts up to, and without, its radius."""
    return flat.range_search(queries, DISTANCE_BITS_MAX + 1)


def pairs(answer):
    ends, _, places = answer
    spans = zip(ends[:-1], ends[1:])
    return {(n, int(place)) for n, (a, b) in enumerate(spans) for place in places[a:b]}


def seconds(run):
    start = time.thread_time_ns()
    run()
    return (time.thread_time_ns() - start) / 1e9


def retro_match(binary, items):
    """The best of three turns for each number of references."""
    ours = Worker(binary, "retro", items)
    turns = {n: [ours(f"references {n}") for _ in range(3)] for n in RETRO_REFERENCES}
    ours.end()
    return {n: min(taken, key=lambda turn: turn["wall_s"]) for n, taken in turns.items()}


def search_table(measured):
    lines = [
        "| hashes | faiss, a query | by index | | bytes a hash | faiss, 100 together | scan | "
        "| one query's scan, of a plain read's speed | recall (index, scan) |",
        "| ---: |" + " ---: |" * 9,
    ]
    for items, figures in measured.items():
        best = {job: taken for job, taken in figures["best_s"].items()}
        kernel = figures["kernels"][0]
        index = best["faiss alone"] / best["index"]
        together = best["faiss together"] / best[f"scan {kernel} together"]
        bandwidth = best["read"] / best[f"scan {kernel} alone"]
        recall = figures["recall"]
        wrong = "" if not any(figures["wrong"].values()) else f", WRONG {figures['wrong']}"
        cells = [
            f"{items:,}",
            f"{best['faiss alone'] / QUERIES * 1e6:,.0f} us",
            f"{best['index'] / QUERIES * 1e6:,.0f} us",
            f"**{index:.1f}x**, aim {AIMS.get(items, '-')}x",
            f"{figures['index_bytes_an_item']:.1f}, aim {AIM_BYTES}",
            f"{best['faiss together'] * 1e3:,.1f} ms",
            f"{best[f'scan {kernel} together'] * 1e3:,.1f} ms",
            f"**{together:.1f}x**, aim {AIM_TOGETHER}x",
            f"{bandwidth:.2f}, aim {AIM_BANDWIDTH}",
            f"{recall['index']:.4f}, {recall['scan']:.4f} of {figures['pairs']:,}{wrong}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def kernel_table(measured):
    lines = ["", "| hashes | kernel | 100 queries together | a pair | one query |"]
    lines.append("| ---: | --- |" + " ---: |" * 3)
    for items, figures in measured.items():
        for kernel in figures["kernels"]:
            together = figures["best_s"][f"scan {kernel} together"]
            alone = figures["best_s"][f"scan {kernel} alone"] / QUERIES
            lines.append(
                f"| {items:,} | {kernel} | {together * 1e3:,.1f} ms "
                f"| {together / items / QUERIES * 1e9:.3f} ns "
                f"| {items * 12 / alone / 1e9:.1f} GB/s |"
            )
    return "\n".join(lines)


def retro_table(retro):
    lines = ["", "| past ads | " + " | ".join(f"{n} references" for n in RETRO_REFERENCES) + " |"]
    lines.append("| ---: |" + " ---: |" * len(RETRO_REFERENCES))
    for items, turns in retro.items():
        cells = [
            f"{turn['wall_s']:.3f} s (thread {turn['thread_s']:.3f} s), "
            f"{turn['found']:,} of {turn['planted']:,} found"
            for turn in turns.values()
        ]
        lines.append(f"| {items:,} | " + " | ".join(cells) + " |")
    return "\n".join(lines + [f"Aim: 10,000,000 within {AIM_RETRO_S} s.", ""])


def plot(retro, path):
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 4))
    for n in RETRO_REFERENCES:
        taken = [turns[n]["thread_s"] for turns in retro.values()]
        axes.plot(list(retro), taken, marker="o", label=f"{n} new reference{'s' if n > 1 else ''}")
    axes.set(xscale="log", yscale="log", xlabel="past ads", ylabel="seconds on two threads")
    axes.axhline(AIM_RETRO_S, color="grey", linestyle="--", label=f"aim for 10^7: {AIM_RETRO_S} s")
    axes.grid(True, alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(path)


if __name__ == "__main__":
    if os.environ.get("HOMEWARD_BENCH_PYTHON") is None:
        command = [HERE.parent / "python/venv.sh", HERE / "search/requirements.txt", "venv-search"]
        made = subprocess.run(command, stdout=subprocess.PIPE, check=True)
        python = made.stdout.decode().split()[-1]
        os.environ["HOMEWARD_BENCH_PYTHON"] = python
        os.execv(python, [python, *sys.argv])
    else:
        main()
