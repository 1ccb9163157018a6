#!/usr/bin/env python3
"""Makes hostile files, and says of each what must become of it.

usage: hostile_files.py OUT [--count N] [--seed N]

Writes OUT/*.jpg (whatever they hold) and OUT/expected.json: for every file name the reason with
which it must be rejected, "recorded" if it must be taken, or "judged" if either will do: then
"decodable" tells whether Pillow, a decoder that we did not write, reads it, and only such a file
may be recorded. Same arguments, same bytes.
"""
import argparse, io, json, pathlib, random, struct, zlib
from PIL import Image, ImageDraw, ImageFile

ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
ap.add_argument("out", type=pathlib.Path)
ap.add_argument("--count", type=int, default=200)
ap.add_argument("--seed", type=int, default=1)
a = ap.parse_args()
rng = random.Random(a.seed)
Image.MAX_IMAGE_PIXELS = None
ImageFile.LOAD_TRUNCATED_IMAGES = True   # damage behind the last row is no matter


def picture(width=160, height=120):
    im = Image.new("RGB", (width, height), tuple(rng.randrange(256) for _ in range(3)))
    draw = ImageDraw.Draw(im)
    for _ in range(20):
        x, y, r = rng.randrange(width), rng.randrange(height), rng.randrange(4, 40)
        draw.ellipse((x - r, y - r / 2, x + r, y + r), fill=tuple(rng.randrange(256) for _ in range(3)))
    return im


def encoded(im, kind, **options):
    out = io.BytesIO()
    im.save(out, kind, **options)
    return out.getvalue()


def one_of_each():
    im = picture()
    return {"jpeg": encoded(im, "JPEG"), "progressive": encoded(im, "JPEG", progressive=True), "cmyk": encoded(im.convert("CMYK"), "JPEG"),
            "png": encoded(im, "PNG"), "palette": encoded(im.quantize(16), "PNG"), "gif": encoded(im.quantize(64), "GIF"),
            "webp": encoded(im, "WEBP"), "lossless": encoded(im, "WEBP", lossless=True), "bmp": encoded(im, "BMP"),
            "tiff": encoded(im, "TIFF"), "lzw": encoded(im, "TIFF", compression="tiff_lzw")}


def overwritten(data, at, new):
    return data[:at] + new + data[at + len(new):]


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, before=b"", rows=None):
    """Greyscale zeros, as small as they can be packed."""
    data = zlib.compress(bytes((width + 1) * (height if rows is None else rows)), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)) + before + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def riff(kind, data):
    return kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)


def animated_webp_without_width():
    """The canvas is honest, the first frame has no width."""
    still = encoded(picture(48, 40), "WEBP")
    lossy = still[20:20 + struct.unpack("<I", still[16:20])[0]]
    frame = bytes(6) + struct.pack("<I", 47)[:3] + struct.pack("<I", 39)[:3] + bytes(4) + riff(b"VP8 ", overwritten(lossy, 6, b"\0\0"))
    body = b"WEBP" + riff(b"VP8X", bytes([2, 0, 0, 0, 47, 0, 0, 39, 0, 0])) + riff(b"ANIM", bytes(6)) + riff(b"ANMF", frame)
    return riff(b"RIFF", body)


def document(trailer=""):
    """A PDF of one page without a picture; `trailer` is further entries of its trailer."""
    objects = ["<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Count 1/Kids[3 0 R]>>", "<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>"]
    data, places = "%PDF-1.7\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(data))
        data += f"{number} 0 obj\n{body}\nendobj\n"
    table = len(data)
    data += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n" + "".join(f"{place:010} 00000 n \n" for place in places)
    return (data + f"trailer\n<</Size {len(objects) + 1}/Root 1 0 R{trailer}>>\nstartxref\n{table}\n%%EOF\n").encode()


def crafted():
    """(what must become of it, bytes)"""
    of = one_of_each()
    sof = of["jpeg"].index(b"\xff\xc0")
    for data in (b"", b"\0", b"GIF8", b"\xff\xd8", b"BM" + bytes(60), bytes(5000), b"<!doctype html><script>alert(1)</script>", b"{\"a\": 1}",
                 b"\x7fELF" + bytes(90), b"<html><img src=x></html>" + of["jpeg"], b"\xef\xbb\xbftext", b"../../etc/passwd\n",
                 "no picture: \U0001F600".encode(), b"%00%2e%2e", b"RIFF\x10\0\0\0WAVEfmt " + bytes(16)):
        yield "not_an_image", data
    yield "bundle_truncated", b"PK\x03\x04" + bytes(50)
    for data in (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", b"<?xml version='1.0'?><svg/>",
                 b"8BPS\0\x01" + bytes(100), encoded(picture(32, 32), "PPM")):
        yield "unsupported_format", data
    zeros = "00" * 32
    yield "no_picture", document()
    yield "encrypted", document(f"/ID[<00><00>]/Encrypt<</Filter/Standard/V 2/R 3/Length 128/P -4/O<{zeros}>/U<{zeros}>>>")
    for data in (b"\0\0\0\x1cftypavif\0\0\0\0mif1miaf" + bytes(100), b"\0\0\0\x18ftypheic\0\0\0\0mif1" + bytes(100),
                 b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(40), b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(40),
                 b"%PDF-1.7\n" + of["jpeg"], encoded(picture(32, 32), "ICO")):
        yield "judged", data
    for data in (overwritten(of["jpeg"], sof + 5, b"\xff" * 4), overwritten(of["png"], 16, b"\x7f" * 8), overwritten(of["gif"], 6, b"\xff" * 4),
                 overwritten(of["bmp"], 18, struct.pack("<ii", 60000, 60000)), overwritten(of["lossless"], 21, b"\xff\xff\xff\x0f"),
                 png(30000, 30000, rows=2000), png(0x7fffffff, 0x7fffffff, rows=0)):
        yield "too_many_pixels", data
    for size in ((1, 1), (8, 8), (15, 400), (400, 15)):
        for kind in ("PNG", "JPEG", "BMP"):
            yield "too_small", encoded(picture(*size), kind)
    # A hash's work grows with the square of a side: 12 KB took eleven seconds of a processor.
    for data in (png(16, 65536), png(65536, 16), png(16, 4 << 20, rows=9), encoded(picture(65536, 16), "BMP"), encoded(picture(16, 65536), "TIFF")):
        yield "too_long", data
    # It says that it is higher than it is: taken as far as it goes.
    yield "truncated", overwritten(of["jpeg"], sof + 5, b"\0\xf0\0\xf0")
    for data in (overwritten(of["png"], 60, bytes(8)), overwritten(of["bmp"], 18, bytes(8)),
                 overwritten(of["png"], 12, b"JUNK")):
        yield "corrupt", data
    yield "decoder_failure", animated_webp_without_width()
    # A bomb within the limits, bombs that nobody has to open, and what merely looks strange.
    for data in (png(8000, 8000), png(200, 200, before=chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(50_000_000), 9))),
                 png(200, 201, before=chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(50_000_000), 9))), of["gif"] + b"<script>alert(1)</script>",
                 of["jpeg"] + b"PK\x05\x06" + bytes(18), of["png"] + of["jpeg"], encoded(picture(16, 16), "PNG"), encoded(picture(4000, 16), "JPEG"),
                 encoded(picture(65500, 16), "JPEG"), png(16, 65535), png(65535, 1024), encoded(picture(20, 65535), "GIF")):
        yield "recorded", data


def cut():
    data = rng.choice(list(one_of_each().values()))
    return "truncated", data[:rng.randrange(len(data) * 3 // 10, len(data) * 8 // 10)]


def flipped():
    data = bytearray(rng.choice(list(one_of_each().values())))
    # Pillow refuses a WebP for bits of its headers that change no pixel, so those stay.
    start = 24 if data[:4] == b"RIFF" else 0
    for _ in range(rng.choice([1, 1, 3, 9])):
        data[rng.randrange(start, min(len(data), rng.choice([64, 700, len(data)])))] ^= 1 << rng.randrange(8)
    return "judged", bytes(data)


def noise():
    return "not_an_image", b"\x01" + rng.randbytes(rng.randrange(1, 9000))


def after_magic():
    data = rng.choice(list(one_of_each().values()))
    return "judged", data[:rng.randrange(12, 80)] + rng.randbytes(rng.randrange(300))


def decodable(data):
    try:
        Image.open(io.BytesIO(data)).load()
        return True
    except Exception:
        return False


files = list(crafted())
for make in [cut, flipped, flipped, noise, after_magic] * a.count:
    if len(files) < a.count:
        files.append(make())
rng.shuffle(files)
a.out.mkdir(parents=True, exist_ok=True)
expected = {}
for number, (fate, data) in enumerate(files):
    name = f"hostile {number:03}.jpg"
    (a.out / name).write_bytes(data)
    expected[name] = {"fate": fate, "decodable": fate == "judged" and decodable(data)}
(a.out / "expected.json").write_text(json.dumps(expected, indent=1))
