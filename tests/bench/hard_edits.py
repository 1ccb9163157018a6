#!/usr/bin/env python3
"""Makes edited copies of photos by harder kinds of edit: cut-outs, grids, filters, warps and the like.

For `homeward bench recall --transforms FILE.py`.

usage: hard_edits.py PHOTOS OUT --fillers DIR [--seed N] [--every N]

One copy per photo and kind (with --every N a photo has each N-th kind), in OUT; OUT/truth.csv says
which photo each shows. A function of (seed, photo's name, kind): same input, same pixels. Needs
Pillow and numpy.
"""
import argparse, csv, io, math, pathlib, zlib
import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter, ImageOps

EXTENSIONS = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}


def load(path, side_px=1280):
    picture = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    picture.thumbnail((side_px, side_px), Image.LANCZOS)
    return picture


def array(picture): return np.asarray(picture, np.float32)
def image(values): return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))
def colour(dice): return tuple(map(int, dice.integers(0, 256, 3)))


def recoded(picture, quality):
    room = io.BytesIO()
    picture.save(room, "JPEG", quality=quality)
    return Image.open(io.BytesIO(room.getvalue())).convert("RGB")


def person(size, dice, head_only=False):
    """The outline of a person, head and shoulders, with a soft edge."""
    w, h = size
    mask = Image.new("L", size)
    draw, dx = ImageDraw.Draw(mask), float(dice.uniform(-.03, .03))
    draw.ellipse((w * (.32 + dx), h * .08, w * (.68 + dx), h * .62), fill=255)
    if not head_only:
        draw.polygon([(w * (.42 + dx), h * .5), (w * (.58 + dx), h * .5), (w * .86, h * .72), (w * .92, h), (w * .08, h), (w * .14, h * .72)], fill=255)
    return mask.filter(ImageFilter.GaussianBlur(max(1, w / 250)))


def cut_out(share, head_only):
    def edit(p, dice, other):
        page, mask = ImageOps.fit(other(), p.size), person(p.size, dice, head_only)
        w, h = max(8, int(p.width * share)), max(8, int(p.height * share))
        x, y = int(dice.integers(p.width - w + 1)), p.height - h
        page.paste(p.resize((w, h), Image.BICUBIC), (x, y), mask.resize((w, h)))
        return page
    return edit


def background(change):
    return lambda p, dice, other: Image.composite(p, change(p, dice), person(p.size, dice))


def grid(columns, rows, cell):
    def edit(p, dice, other):
        gap, mine = int(dice.integers(0, 9)), int(dice.integers(columns * rows))
        page = Image.new("RGB", (columns * cell + gap, rows * cell + gap), [(255,) * 3, (0,) * 3][int(dice.integers(2))])
        for i in range(columns * rows):
            tile = ImageOps.fit(p if i == mine else other(), (cell - gap, cell - gap), Image.BICUBIC)
            page.paste(tile, (i % columns * cell + gap, i // columns * cell + gap))
        return page
    return edit


def part(left, top, right, bottom):
    return lambda p, dice, other: p.crop((int(p.width * left), int(p.height * top), int(p.width * right), int(p.height * bottom)))


def face(share):
    def edit(p, dice, other):
        k = math.sqrt(share) / 2
        x, y = .5 + dice.uniform(-.06, .06), .4 + dice.uniform(-.06, .06)
        return part(x - k, y - k, x + k, y + k)(p, dice, other)
    return edit


def story(p, dice, other):
    page = ImageOps.fit(p, (720, 1280)).filter(ImageFilter.GaussianBlur(40))
    small = p.copy()
    small.thumbnail((int(720 * dice.uniform(.6, .95)), 900))
    page.paste(small, ((720 - small.width) // 2, (1280 - small.height) // 2))
    draw = ImageDraw.Draw(page)
    draw.rectangle((20, 16, 700, 22), fill=(230, 230, 230))
    draw.text((60, 1100), f"user {dice.integers(1e6)} new story", (255, 255, 255), font_size=44)
    return page


def avatar(p, dice, other):
    side = int(dice.integers(150, 320))
    small, mask = ImageOps.fit(p, (side, side)), Image.new("L", (side, side))
    ImageDraw.Draw(mask).ellipse((0, 0, side, side), fill=255)
    page = Image.new("RGB", (side * 3, side * 2), colour(dice))
    page.paste(small, (side // 3, side // 2), mask)
    ImageDraw.Draw(page).text((side * 3 // 2, side * 3 // 4), "profile name", (255, 255, 255), font_size=side // 6)
    return page


def tilted(p, dice, other):
    framed = ImageOps.expand(p, min(p.size) // 20, (250, 250, 250)).convert("RGBA")
    framed = framed.rotate(float(dice.uniform(-25, 25)), Image.BICUBIC, expand=True)
    page = ImageOps.fit(other(), framed.size).convert("RGBA")
    page.alpha_composite(framed)
    return page.convert("RGB")


def large_text(p, dice, other):
    p, draw = p.copy(), None
    draw = ImageDraw.Draw(p)
    for line in range(4):
        draw.text((p.width * .04, p.height * (.08 + .23 * line)), f"CALL {dice.integers(1e7)}", colour(dice), font_size=p.width // 6, stroke_width=p.width // 150, stroke_fill=(0, 0, 0))
    return p


def emojis(p, dice, other):
    p = p.copy()
    draw, r = ImageDraw.Draw(p), math.sqrt(p.width * p.height * .3 / 9 / math.pi)
    for i in range(9):
        x, y = (.5, .4) if i == 0 else dice.uniform(.05, .95, 2)
        x, y = x * p.width, y * p.height
        draw.ellipse((x - r, y - r, x + r, y + r), fill=(255, 205, 50), outline=(120, 80, 0), width=4)
        draw.arc((x - r / 2, y - r / 2, x + r / 2, y + r / 2), 20, 160, fill=(60, 40, 0), width=6)
    return p


def watermark(alpha):
    def edit(p, dice, other):
        side, px = int(math.hypot(*p.size)), min(p.size) // 14
        layer = Image.new("RGBA", (side, side))
        draw, word = ImageDraw.Draw(layer), f"ad{dice.integers(1e6)} "
        for y in range(0, side, int(px * dice.uniform(1.4, 2.4))):
            draw.text((-(y % 97), y), word * 20, (255, 255, 255, alpha), font_size=px)
        layer = layer.rotate(float(dice.uniform(10, 40)))
        x, y = (side - p.width) // 2, (side - p.height) // 2
        return Image.alpha_composite(p.convert("RGBA"), layer.crop((x, y, x + p.width, y + p.height))).convert("RGB")
    return edit


def scribbles(p, dice, other):
    p = p.copy()
    draw = ImageDraw.Draw(p)
    for _ in range(6):
        points = (dice.uniform(0, 1, (14, 2)) * p.size).tolist()
        draw.line([tuple(q) for q in points], fill=colour(dice), width=max(3, min(p.size) // 60), joint="curve")
    return p


def sparkles(p, dice, other):
    p = p.copy()
    draw = ImageDraw.Draw(p)
    for x, y, s in dice.uniform(0, 1, (140, 3)):
        x, y, s = x * p.width, y * p.height, (.2 + s) * min(p.size) / 45
        draw.polygon([(x, y - s * 2), (x + s / 3, y), (x, y + s * 2), (x - s / 3, y)], fill=(255, 255, 255))
        draw.polygon([(x - s * 2, y), (x, y + s / 3), (x + s * 2, y), (x, y - s / 3)], fill=(255, 255, 255))
    return p


def panel(p, dice, other):
    p = p.copy()
    x, side = int(p.width * .42), int(dice.integers(2))
    page = Image.new("RGB", (x, p.height), colour(dice))
    draw = ImageDraw.Draw(page)
    for line in range(9):
        draw.text((10, p.height * line // 9), f"service {dice.integers(1e5)}", (255, 255, 255), font_size=p.height // 18)
    p.paste(Image.blend(p.crop((0, 0, x, p.height)), page, .9), (side * (p.width - x), 0))
    return p


def sepia_grain(p, dice, other):
    grey = array(ImageOps.colorize(ImageOps.grayscale(p), (30, 15, 5), (255, 235, 200)))
    return image(grey + dice.normal(0, 22, grey.shape[:2] + (1,)))


def threshold(p, dice, other):
    grey = ImageOps.autocontrast(ImageOps.grayscale(p).filter(ImageFilter.GaussianBlur(min(p.size) / 400)))
    middle = int(np.median(np.asarray(grey)))
    return grey.point([0] * middle + [255] * (256 - middle)).convert("RGB")


def cartoon(p, dice, other):
    flat = ImageOps.posterize(p.filter(ImageFilter.MedianFilter(7)).filter(ImageFilter.MedianFilter(7)), 3)
    edges = ImageOps.grayscale(p).filter(ImageFilter.GaussianBlur(1.5)).filter(ImageFilter.FIND_EDGES)
    return ImageChops.subtract(flat, Image.merge("RGB", [edges.point(lambda v: 255 if v > 26 else 0)] * 3))


def half_negative(p, dice, other):
    p, box = p.copy(), (0, 0, p.width // 2, p.height) if dice.integers(2) else (0, p.height // 2, p.width, p.height)
    p.paste(ImageOps.invert(p.crop(box)), box[:2])
    return p


def warped(move):
    """Every pixel from where `move` says, in shares of the sides."""
    def edit(p, dice, other):
        values, (w, h) = array(p), p.size
        y, x = np.mgrid[0:h, 0:w].astype(np.float32)
        u, v = move(x / w, y / h, dice)
        u, v = np.clip(u * w, 0, w - 1.001), np.clip(v * h, 0, h - 1.001)
        i, j = u.astype(int), v.astype(int)
        a, b = (u - i)[..., None], (v - j)[..., None]
        top = values[j, i] * (1 - a) + values[j, i + 1] * a
        low = values[j + 1, i] * (1 - a) + values[j + 1, i + 1] * a
        return image(top * (1 - b) + low * b)
    return edit


def slim(x, y, dice):
    return .5 + (x - .5) * (1 + .35 * np.exp(-((y - .6) / .22) ** 2)), y


def lens(x, y, dice):
    r = np.hypot(x - .5, y - .5)
    k = 1 + dice.choice([-.45, .6]) * r ** 2
    return .5 + (x - .5) * k, .5 + (y - .5) * k


def waves(x, y, dice):
    f = dice.uniform(2, 4)
    return x + .02 * np.sin(6.28 * f * y), y + .02 * np.sin(6.28 * f * x)


def curl(x, y, dice):
    return x + .12 * (y - .2) ** 2 * x, y + .14 * x ** 3 * (1 - y)


def double(p, dice, other):
    return Image.blend(p, ImageOps.fit(other(), p.size), float(dice.uniform(.35, .5)))


def inset(share):
    def edit(p, dice, other):
        page = ImageOps.fit(other(), (1280, 960))
        small = p.copy()
        small.thumbnail((int(1280 * share), 960), Image.BICUBIC)
        page.paste(small, (int(dice.integers(1280 - small.width + 1)), int(dice.integers(960 - small.height + 1))))
        return page
    return edit


def interlaced(p, dice, other):
    values = array(p).copy()
    values[1::2] = np.roll(values[1::2], int(dice.integers(6, 14)), 1)
    return image(values)


def lines_240(p, dice, other):
    return recoded(p.resize((max(16, 240 * p.width // p.height), 240), Image.BILINEAR), 40)


def vhs(p, dice, other):
    values = array(p.resize((320 * p.width // max(p.size), 320 * p.height // max(p.size)), Image.BILINEAR))
    for c, by in ((0, 3), (2, -3)):
        values[..., c] = np.roll(values[..., c], by, 1)
    for y in range(values.shape[0]):
        values[y] = np.roll(values[y], int(2 * math.sin(y / 9) + dice.normal(0, .7)), 0)
    values = values * .85 + 20 + dice.normal(0, 12, values.shape)
    return image(values).resize(p.size, Image.BICUBIC)


def chain(*edits):
    def edit(p, dice, other):
        for step in edits:
            p = step(p, dice, other)
        return p
    return edit


def mirrored(p, dice, other): return ImageOps.mirror(p)
def small(p, dice, other): return p.resize((max(16, p.width // 2), max(16, p.height // 2)), Image.BILINEAR)


KINDS = {
    "cut-outs": {"whole": cut_out(1, False), "head": cut_out(1, True), "half size": cut_out(.5, False)},
    "backgrounds": {"blurred": background(lambda p, d: p.filter(ImageFilter.GaussianBlur(max(p.size) / 25))),
                    "dark": background(lambda p, d: p.point(lambda v: v // 6)),
                    "flat": background(lambda p, d: Image.new("RGB", p.size, colour(d)))},
    "grids": {"9": grid(3, 3, 300), "16": grid(4, 4, 220), "25": grid(5, 5, 200), "strip": grid(6, 1, 180)},
    "hard crops": {"face 5": face(.05), "face 10": face(.10), "face 20": face(.20), "strip": part(0, .3, 1, .55),
                   "half": part(.5, 0, 1, 1), "body": part(0, .55, 1, 1)},
    "stories": {"story": story, "avatar": avatar, "tilted": tilted},
    "overlays": {"text": large_text, "emojis": emojis, "watermark": watermark(120), "scribbles": scribbles,
                 "sparkles": sparkles, "panel": panel},
    "filters": {"sepia": sepia_grain, "threshold": threshold, "cartoon": cartoon, "negative": half_negative,
                "posterise": lambda p, d, o: ImageOps.posterize(p, 2), "solarise": lambda p, d, o: ImageOps.solarize(p, 110)},
    "warps": {"slim": warped(slim), "lens": warped(lens), "waves": warped(waves), "curl": warped(curl)},
    "insets": {"double": double, "10": inset(.10), "18": inset(.18), "25": inset(.25)},
    "old video": {"interlaced": interlaced, "240": lines_240, "vhs": vhs},
    "three": {"head+flat+small": chain(background(lambda p, d: Image.new("RGB", p.size, colour(d))), mirrored, small),
              "grid+mark+mirror": chain(watermark(90), mirrored, grid(2, 2, 300)),
              "face+text+sepia": chain(face(.3), large_text, sepia_grain),
              "slim+story+small": chain(warped(slim), story, small)},
}


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("photos", type=pathlib.Path)
    ap.add_argument("out", type=pathlib.Path)
    ap.add_argument("--fillers", type=pathlib.Path, required=True)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--every", type=int, default=1)
    a = ap.parse_args()
    listed = lambda folder: sorted(p for p in folder.rglob("*") if p.suffix.lower() in EXTENSIONS)
    fillers, rows = listed(a.fillers), []
    a.out.mkdir(parents=True, exist_ok=True)
    kinds = [(group, kind, edit) for group, of in KINDS.items() for kind, edit in of.items()]
    for number, path in enumerate(listed(a.photos)):
        picture, others = load(path), [f for f in fillers if f.name != path.name]
        for group, kind, edit in kinds[number % a.every::a.every]:
            dice = np.random.default_rng([a.seed, zlib.crc32(f"{path.name}|{group}|{kind}".encode())])
            made = edit(picture, dice, lambda: load(others[dice.integers(len(others))], 800))
            name = f"{path.stem}__{group}.{kind}.jpg".replace(" ", "_")
            made.convert("RGB").save(a.out / name, quality=int(dice.integers(70, 90)))
            rows.append((name, path.name, group))
    with open(a.out / "truth.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("ad_file", "ref_file", "group"))
        writer.writerows(rows)


if __name__ == "__main__":
    main()
