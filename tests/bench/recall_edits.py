#!/usr/bin/env python3
"""Makes edited copies of photos: edits that no threshold was chosen on.

For `homeward bench recall --transforms FILE.py`.

usage: recall_edits.py PHOTOS OUT --fillers DIR [--seed N]

One copy per photo and kind, in OUT; OUT/truth.csv says which photo each shows. A function of
(seed, photo's name, kind): same input, same pixels. Needs Pillow and numpy.
"""
import argparse, csv, io, math, pathlib, zlib
import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

EXTENSIONS = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}


def load(path, side_px=1280):
    picture = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    picture.thumbnail((side_px, side_px), Image.LANCZOS)
    return picture


def recoded(quality):
    def edit(picture, dice, other):
        room = io.BytesIO()
        picture.save(room, "JPEG", quality=quality)
        return Image.open(io.BytesIO(room.getvalue())).convert("RGB")
    return edit


def scaled(x, y):
    return lambda p, dice, other: p.resize((max(16, int(p.width * x)), max(16, int(p.height * y))))


def cropped(removed):
    def edit(picture, dice, other):
        keep = math.sqrt(1 - removed)
        w, h = int(picture.width * keep), int(picture.height * keep)
        x, y = dice.integers(picture.width - w + 1), dice.integers(picture.height - h + 1)
        return picture.crop((x, y, x + w, y + h))
    return edit


def turned(degrees, fill=(90, 120, 60)):
    return lambda p, dice, other: p.rotate(degrees, Image.BICUBIC, expand=True, fillcolor=fill)


def seen_askew(strength):
    def edit(picture, dice, other):
        w, h = picture.size
        j = dice.uniform(0, strength, (4, 2)) * [w, h]
        quad = (j[0][0], j[0][1], j[1][0], h - j[1][1], w - j[2][0], h - j[2][1], w - j[3][0], j[3][1])
        return picture.transform((w, h), Image.QUAD, quad, Image.BICUBIC)
    return edit


def covered(share, shapes):
    def edit(picture, dice, other):
        picture = picture.copy()
        draw, r = ImageDraw.Draw(picture), math.sqrt(share / shapes * picture.width * picture.height) / 2
        for i in range(shapes):
            x, y = (.5, .38) if i == 0 else dice.uniform(.15, .85, 2)
            x, y, colour = x * picture.width, y * picture.height, tuple(map(int, dice.integers(0, 256, 3)))
            draw.rounded_rectangle((x - r, y - r, x + r, y + r), r / 3, fill=colour, outline=(0, 0, 0))
        return picture
    return edit


def captioned(picture, dice, other):
    picture = picture.copy()
    draw, h = ImageDraw.Draw(picture), picture.height // 9
    draw.rectangle((0, picture.height - h, picture.width, picture.height), fill=(0, 0, 0))
    draw.text((h, picture.height - h), f"{dice.integers(1e9)} call now", (255, 255, 255), font_size=h * .7)
    return picture


def framed(share, colour):
    return lambda p, dice, other: ImageOps.expand(p, int(min(p.size) * share), colour)


def screenshot(picture, dice, other):
    w = picture.width
    page = Image.new("RGB", (w, int(max(w * 2.1, picture.height * 1.5))), (245, 245, 248))
    draw = ImageDraw.Draw(page)
    y = int(w * .22)
    page.paste(picture, (0, y))
    for line in range(12):
        top = line * w // 60 if line < 3 else y + picture.height + line * w // 22
        draw.text((w // 20, top), f"{dice.integers(1e12)} message {line}", (30, 30, 40), font_size=w // 28)
    return page


def collage(columns, rows):
    def edit(picture, dice, other):
        side = 420
        page = Image.new("RGB", (columns * side, rows * side), (255, 255, 255))
        mine = int(dice.integers(columns * rows))
        for i in range(columns * rows):
            tile = ImageOps.fit(picture if i == mine else other(), (side - 6, side - 6))
            page.paste(tile, (i % columns * side + 3, i // columns * side + 3))
        return page
    return edit


def inset(share):
    def edit(picture, dice, other):
        page = ImageOps.fit(other(), (1000, 800))
        small = picture.copy()
        small.thumbnail((int(1000 * share), int(800 * share)))
        x, y = dice.integers(1000 - small.width + 1), dice.integers(800 - small.height + 1)
        page.paste(small, (int(x), int(y)))
        return page
    return edit


def enhanced(kind, factor):
    return lambda p, dice, other: kind(p).enhance(factor)


def noisy(spread):
    def edit(picture, dice, other):
        values = np.asarray(picture, np.float32) + dice.normal(0, spread, (picture.height, picture.width, 1))
        return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))
    return edit


def plain(filter_or_operation):
    return lambda p, dice, other: filter_or_operation(p)


def chain(*edits):
    def edit(picture, dice, other):
        for step in edits:
            picture = step(picture, dice, other)
        return picture
    return edit


KINDS = {
    "encoding": {"q20": recoded(20), "q75": recoded(75)},
    "scale": {"35": scaled(.35, .35), "140": scaled(1.4, 1.4)},
    "aspect": {"wide": scaled(1.2, .85), "high": scaled(.75, 1.1)},
    "crop": {"20": cropped(.2), "35": cropped(.35), "48": cropped(.48)},
    "crophard": {"65": cropped(.65)},
    "frame": {"8": framed(.08, (200, 30, 60)), "20": framed(.2, (10, 10, 10))},
    "flip": {"mirror": plain(ImageOps.mirror), "270": turned(270), "upside": plain(ImageOps.flip)},
    "rotate": {"7": turned(7), "-12": turned(-12), "22": turned(22)},
    "colour": {"dark": enhanced(ImageEnhance.Brightness, .5), "pale": enhanced(ImageEnhance.Contrast, .6),
               "grey": plain(lambda p: ImageOps.grayscale(p).convert("RGB")),
               "posters": plain(lambda p: ImageOps.posterize(p, 3))},
    "degrade": {"blur": plain(lambda p: p.filter(ImageFilter.GaussianBlur(min(p.size) / 100))),
                "noise": noisy(14), "sharp": plain(lambda p: p.filter(ImageFilter.UnsharpMask(3, 180, 2)))},
    "overlay": {"caption": captioned, "box12": covered(.12, 1), "boxes18": covered(.18, 4)},
    "perspective": {"6": seen_askew(.06), "14": seen_askew(.14)},
    "screenshot": {"page": screenshot},
    "collage": {"2x1": collage(2, 1), "2x2": collage(2, 2), "3x1": collage(3, 1)},
    "inset": {"60": inset(.6), "40": inset(.4)},
    "combo": {"crop+mirror+caption": chain(cropped(.25), plain(ImageOps.mirror), captioned, recoded(40)),
              "tilt+frame+grey": chain(turned(6), framed(.05, (255, 255, 255)), enhanced(ImageEnhance.Color, 0)),
              "box+crop+dark": chain(covered(.1, 2), cropped(.2), enhanced(ImageEnhance.Brightness, .7)),
              "shot+small": chain(screenshot, scaled(.5, .5), recoded(50))},
}


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("photos", type=pathlib.Path)
    ap.add_argument("out", type=pathlib.Path)
    ap.add_argument("--fillers", type=pathlib.Path, required=True)
    ap.add_argument("--seed", type=int, default=1)
    a = ap.parse_args()
    listed = lambda folder: sorted(p for p in folder.rglob("*") if p.suffix.lower() in EXTENSIONS)
    fillers, rows = listed(a.fillers), []
    a.out.mkdir(parents=True, exist_ok=True)
    for path in listed(a.photos):
        picture, others = load(path), [f for f in fillers if f.name != path.name]
        for group, kinds in KINDS.items():
            for kind, edit in kinds.items():
                dice = np.random.default_rng([a.seed, zlib.crc32(f"{path.name}|{group}|{kind}".encode())])
                made = edit(picture, dice, lambda: load(others[dice.integers(len(others))], 800))
                name = f"{path.stem}__{group}.{kind}.jpg"
                made.save(a.out / name, quality=82)
                rows.append((name, path.name, group))
    with open(a.out / "truth.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("ad_file", "ref_file", "group"))
        writer.writerows(rows)


if __name__ == "__main__":
    main()
