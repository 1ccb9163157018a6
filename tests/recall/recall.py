#!/usr/bin/env python3
"""How many edited copies `homeward compare` finds, and how many pairs it finds falsely.

usage: recall.py --photos DIR --homeward PROGRAM --report FILE.md
                 [--transforms FILE.py] [--lookalikes DIR] [--hold I/N] [--seed N]

Takes photos from DIR as references, makes edited copies of them (by edits.py beside this file,
or by another program that is called as `FILE.py PHOTOS OUT --fillers DIR` and writes a truth.csv
with ad_file,ref_file,group), compares the two folders and writes a Markdown report: recall per
group with Wilson's 95 % interval, false pairs with the 95 % upper bound of their rate.

--hold I/N takes only every N-th photo, from the I-th on, as references, and as fillers of
collages the ones after; so thresholds chosen on 0/3 can be judged on 2/3 (fillers: 1/3 and 0/3).
--lookalikes DIR: pictures that are no copies, compared as ads with the same references. Those
whose name is a reference's name and _NUMBER show the same person and are counted apart.
Needs Pillow and numpy; needs no network and writes only to a temporary folder and the report.
"""
import argparse, csv, datetime, math, pathlib, re, subprocess, sys, tempfile
from collections import Counter

EXTENSIONS = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}
HERE = pathlib.Path(__file__).resolve().parent
Z = 1.959964  # of a two-sided 95 % interval


def wilson(hits, of):
    """Wilson's score interval, 95 %."""
    if of == 0:
        return 0.0, 1.0
    share, z2 = hits / of, Z * Z
    middle = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = Z * math.sqrt(share * (1 - share) / of + z2 / (4 * of * of)) / (1 + z2 / of)
    return max(0.0, middle - half), min(1.0, middle + half)


def upper_rate(events, of):
    """One-sided 95 % upper bound of a rare event's rate (Poisson, Wilson and Hilferty)."""
    if of == 0:
        return 1.0
    k = events + 1
    return k * (1 - 1 / (9 * k) + 1.644854 / (3 * math.sqrt(k))) ** 3 / of


def pictures(folder):
    return sorted(p for p in folder.rglob("*") if p.suffix.lower() in EXTENSIONS)


def link(chosen, folder):
    folder.mkdir()
    for picture in chosen:
        (folder / picture.name).symlink_to(picture.resolve())
    return folder


def compare(homeward, references, ads, out):
    command = [homeward, "compare", "--references", references, "--ads", ads, "--out", out]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    with open(out, newline="") as rows:
        return [(row["reference"], row["ad"]) for row in csv.DictReader(rows)]


def same_person(reference, ad):
    return re.fullmatch(re.escape(pathlib.Path(reference).stem) + r"_\d+", pathlib.Path(ad).stem)


def recall_rows(truth, found):
    """A line per group, and one for all."""
    found, total, hits = set(found), Counter(), Counter()
    for ad, reference, group in truth:
        for key in (group, "all"):
            total[key] += 1
            hits[key] += (reference, ad) in found
    for key in sorted(total, key=lambda key: (key == "all", key)):
        low, high = wilson(hits[key], total[key])
        yield (f"| {key} | {hits[key]} / {total[key]} | {hits[key] / total[key]:.3f} "
               f"| {low:.3f} to {high:.3f} |")


def false_row(name, events, of):
    return f"| {name} | {of:,} | {events} | {upper_rate(events, of) * 1e6:.2f} |"


def main():
    ap = argparse.ArgumentParser(description=__doc__,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--photos", type=pathlib.Path, required=True)
    ap.add_argument("--homeward", required=True)
    ap.add_argument("--report", type=pathlib.Path, required=True)
    ap.add_argument("--transforms", type=pathlib.Path, default=HERE / "edits.py")
    ap.add_argument("--lookalikes", type=pathlib.Path)
    ap.add_argument("--hold", default="0/3")
    ap.add_argument("--seed", type=int, default=1)
    a = ap.parse_args()
    first, step = map(int, a.hold.split("/"))
    photos = pictures(a.photos)
    chosen = photos[first::step]
    if not chosen:
        sys.exit(f"no photos in {a.photos}\nhint: name a folder of JPEG, PNG or WebP pictures")
    with tempfile.TemporaryDirectory() as room:
        room = pathlib.Path(room)
        references = link(chosen, room / "references")
        fillers = link([p for p in photos if p not in chosen] or chosen, room / "fillers")
        ads = room / "ads"
        subprocess.run([sys.executable, a.transforms, references, ads, "--fillers", fillers,
                        "--seed", str(a.seed)], check=True, stdout=subprocess.DEVNULL)
        with open(ads / "truth.csv", newline="") as rows:
            truth = [(r["ad_file"], r["ref_file"], r["group"]) for r in csv.DictReader(rows)]
        found = compare(a.homeward, references, ads, room / "matches.csv")
        true = {(reference, ad) for ad, reference, _ in truth}
        false = [pair for pair in found if pair not in true]
        pairs = len(chosen) * len({ad for ad, _, _ in truth}) - len(true)
        lines = [false_row("edited copies of other photos", len(false), pairs)]
        if a.lookalikes:
            alike = compare(a.homeward, references, a.lookalikes, room / "lookalikes.csv")
            names = [p.name for p in pictures(a.lookalikes)]
            same = sum(bool(same_person(r.name, ad)) for r in chosen for ad in names)
            of_same = sum(bool(same_person(r, ad)) for r, ad in alike)
            lines += [false_row("lookalikes", len(alike) - of_same, len(chosen) * len(names) - same),
                      false_row("the same person in another picture", of_same, same)]
    today = datetime.date.today().isoformat()
    a.report.write_text("\n".join([
        "# Recall and false pairs at alert level", "",
        f"{today}: {len(chosen)} of {len(photos)} photos (every {step}., from {first} on), "
        f"{len(truth)} edited copies by `{a.transforms.name}`, seed {a.seed}.", "",
        "| edits | found | recall | 95 % interval |", "| --- | --- | --- | --- |",
        *recall_rows(truth, found), "",
        "| pairs that are no copies | compared | found | per million, at most (95 %) |",
        "| --- | --- | --- | --- |", *lines, ""]))
    print(a.report.read_text())


if __name__ == "__main__":
    main()
