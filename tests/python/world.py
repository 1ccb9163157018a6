#!/usr/bin/env python3
"""Makes a small world to prove things in: references, ads made from them, ads of nobody.

usage: world.py OUT [--references N] [--strangers N] [--seed N] [--photos DIR]

Writes OUT/references/*.jpg, OUT/ads/* and OUT/truth.json, which maps every ad's file name to the
file names of the references that it shows ([] for ads of nobody). References are drawn, or the
first N photos of --photos. Same arguments, same bytes.
"""
import argparse, json, math, pathlib, random
from PIL import Image, ImageDraw, ImageFilter, ImageOps

EDITS = {
    "same.png": lambda im: im,
    "small.jpg": lambda im: im.resize((max(64, im.width // 2), max(64, im.height // 2))),
    "poor.jpg": lambda im: im,
    "mirrored.webp": ImageOps.mirror,
    "turned 90.jpg": lambda im: im.transpose(Image.Transpose.ROTATE_270),
    "turned+180.jpg": lambda im: im.transpose(Image.Transpose.ROTATE_180),
    "framed.png": lambda im: ImageOps.expand(im, min(im.size) // 10, (255, 255, 255)),
}


def draw(seed, width=640, height=480):
    """A picture with structure at every scale, unlike any other seed's."""
    rng = random.Random(seed)
    im = Image.new("RGB", (width, height), tuple(rng.randrange(256) for _ in range(3)))
    d = ImageDraw.Draw(im)
    for i in range(60):
        r = rng.uniform(.02, .35) * width / (1 + i / 12)
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        colour = tuple(rng.randrange(256) for _ in range(3))
        if rng.random() < .5:
            d.ellipse((x - r, y - r * rng.uniform(.4, 1), x + r, y + r), fill=colour)
        else:
            turn, n = rng.uniform(0, math.tau), rng.randrange(3, 7)
            d.polygon([(x + r * math.cos(turn + math.tau * k / n), y + r * math.sin(turn + math.tau * k / n)) for k in range(n)], fill=colour)
    return im.filter(ImageFilter.GaussianBlur(1.2))


def save(im, path):
    quality = 35 if path.name.endswith("poor.jpg") else 85
    im.save(path, **({"quality": quality} if path.suffix in (".jpg", ".webp") else {}))


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("out", type=pathlib.Path)
    ap.add_argument("--references", type=int, default=4)
    ap.add_argument("--strangers", type=int, default=4)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--photos", type=pathlib.Path)
    a = ap.parse_args()
    for folder in ("references", "ads"):
        (a.out / folder).mkdir(parents=True, exist_ok=True)
    photos = sorted(a.photos.glob("*.jpg"))[: a.references] if a.photos else []
    truth = {}
    for i in range(a.references):
        im = ImageOps.exif_transpose(Image.open(photos[i])).convert("RGB") if photos else draw(f"{a.seed} reference {i}")
        name = f"person {i}.jpg"
        save(im, a.out / "references" / name)
        for kind, edit in EDITS.items():
            ad = f"ad {i} {kind}"
            save(edit(im), a.out / "ads" / ad)
            truth[ad] = [name]
    for i in range(a.strangers):
        ad = f"stranger {i}.jpg"
        save(draw(f"{a.seed} stranger {i}"), a.out / "ads" / ad)
        truth[ad] = []
    (a.out / "truth.json").write_text(json.dumps(truth, indent=1, sort_keys=True))


if __name__ == "__main__":
    main()
