"""Counts where our decoders and others disagree: Pillow, pillow-heif and Chromium.

Usage: python3 tests/bench/decoders.py [FOLDER]... [--kinds FOLDER] [--peer NAME]... [--json FILE] [--list]
       python3 tests/bench/decoders.py --cost

Decodes every file of the folders on both sides, hashes the pixels by PDQ, each standing upright on white,
and tells for each format how many files a peer decodes, how many of those we decode, how many of these have
hashes of quality 50 or more within 4 bits, and what only one side decodes. `--list` names the files. The
folders are yours: none is in the repository. `--kinds` draws one first: some 1,080 TIFFs (tiff_kinds.py), and some
240 HEICs and AVIFs (still_kinds.py). `--cost` times one picture of 12 megapixels in each format instead. Installs what it needs: tests/python/venv.sh (Pillow, pdqhash),
pillow-heif into a folder of its own, tests/python/browser.sh (Chromium), and cargo for our side.
"""
import argparse
import base64
import collections
import io
import json
import os
import pathlib
import subprocess
import sys
import warnings

HERE = pathlib.Path(__file__).resolve().parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", HERE.parents[1] / "target/bench"))
PEERS = ["pillow", "pillow-heif", "chromium"]
NEAR_BITS = 4
QUALITY_MIN = 50
BYTES_MAX = 32 << 20
DRAW = """async data => {
  const bytes = Uint8Array.from(atob(data), c => c.charCodeAt(0));
  const type = bytes[4] == 0x66 ? 'image/avif' : '';
  const picture = await createImageBitmap(new Blob([bytes], {type}));
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  const pen = canvas.getContext('2d');
  pen.fillStyle = 'white';
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(picture, 0, 0);
  const png = new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer());
  let text = '';
  for (let at = 0; at < png.length; at += 32768) text += String.fromCharCode(...png.subarray(at, at + 32768));
  return btoa(text);
}"""


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("folder", nargs="*")
    arguments.add_argument("--kinds", help="a folder that is filled with drawn files of every kind")
    arguments.add_argument("--peer", action="append", choices=PEERS, help="all, if none is named")
    arguments.add_argument("--json", help="where to write the figures as JSON")
    arguments.add_argument("--list", action="store_true", help="name the files that are not decoded alike")
    arguments.add_argument("--cost", action="store_true", help="time each format beside JPEG")
    chosen = arguments.parse_args()
    if chosen.cost:
        print(costs())
        return
    if chosen.kinds:
        draw_kinds(pathlib.Path(chosen.kinds))
        chosen.folder.append(chosen.kinds)
    files = sorted(
        path
        for folder in chosen.folder
        for path in pathlib.Path(folder).rglob("*")
        if path.is_file() and path.stat().st_size <= BYTES_MAX
    )
    ours = our_side(files)
    figures = {}
    for peer in chosen.peer or PEERS:
        theirs = PEER_SIDES[peer](files)
        figures[peer] = compared(files, ours, theirs, chosen.list and peer)
        print(table(peer, figures[peer]))
    if chosen.json:
        pathlib.Path(chosen.json).write_text(json.dumps(figures, indent=1) + "\n")


def draw_kinds(folder):
    """Fills a folder, unless it is filled already."""
    if folder.exists():
        return
    import still_kinds
    import tiff_kinds

    warnings.simplefilter("ignore")
    add_site()
    print(f"drawn: {tiff_kinds.draw(folder / 'tiff')} TIFFs, {still_kinds.draw(folder / 'still')} HEICs and AVIFs")


def add_site():
    """What only this script needs, in a folder of its own."""
    site = TARGET / "pillow-heif"
    if not site.exists():
        packages = ["pillow-heif==1.8.1", "imagecodecs==2026.3.6"]
        install = ["-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site), *packages]
        subprocess.run([sys.executable, *install], check=True)
    sys.path.append(str(site))


def costs():
    """Milliseconds of a 12 megapixel picture in each format, the least of five, and by how much more that is than
    JPEG takes; the child process, where there is one, included."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        files = [path for path in drawn_large(pathlib.Path(folder)) for _ in range(5)]
        lines = answered(files)
    times = collections.defaultdict(list)
    for path, line in zip(files, lines):
        if len(line) < 3:
            sys.exit(f"{path.name}: {line[1]}")
        times[path.stem].append(float(line[0]))
    base = min(times["jpeg"])
    rows = [f"| {name} | {min(all_of):.0f} ms | {min(all_of) / base:.1f} |" for name, all_of in times.items()]
    return "\n".join(["| 12 megapixels as | takes | of JPEG |", "| --- | ---: | ---: |", *rows])


def drawn_large(folder):
    """One picture, as fine as a photo, in each format."""
    add_site()
    import imagecodecs
    import numpy
    import pillow_heif
    from PIL import Image

    small = numpy.random.default_rng(1).integers(0, 255, (30, 40, 3), dtype="uint8")
    picture = Image.fromarray(small).resize((4000, 3000), Image.Resampling.BICUBIC)
    noise = numpy.random.default_rng(2).normal(0, 3, (3000, 4000, 1))
    picture = Image.fromarray((numpy.asarray(picture) + noise).clip(0, 255).astype("uint8"))
    ways = {"jpeg": ("jpg", {"quality": 90}), "jpeg-progressive": ("jpg", {"quality": 90, "progressive": True})}
    ways |= {"png": ("png", {"compress_level": 6}), "webp": ("webp", {"quality": 85}), "bmp": ("bmp", {})}
    ways |= {"tiff-lzw": ("tif", {"compression": "tiff_lzw"}), "tiff-zstandard": ("tif", {"compression": "zstd"})}
    ways |= {"avif": ("avif", {"quality": 75, "speed": 8}), "jp2": ("jp2", {}), "pdf": ("pdf", {"quality": 90})}
    for name, (ending, options) in ways.items():
        path = folder / f"{name}.{ending}"
        if name == "jp2":
            options = {"quality_mode": "rates", "quality_layers": [12]}
        picture.save(path, **options)
        yield path
    path = folder / "gif.gif"
    picture.quantize(256, method=Image.Quantize.FASTOCTREE).save(path)
    yield path
    path = folder / "heic.heic"
    pillow_heif.from_pillow(picture).save(path, quality=75)
    yield path
    path = folder / "jxl.jxl"
    path.write_bytes(imagecodecs.jpegxl_encode(numpy.asarray(picture), level=85, effort=3))
    yield path


def our_side(files):
    """Of each file its hash, quality and format, or why not."""
    answers = []
    for _, what, *more in answered(files):
        answers.append((what, bits(more[2]), int(more[3])) if more else (what, None, 0))
    return answers


def answered(files):
    """The words of the line about each file."""
    command = ["cargo", "build", "--release", "--quiet", "--message-format=json", "--target-dir", str(TARGET)]
    built = subprocess.run(command, cwd=HERE / "decoders", stdout=subprocess.PIPE, check=True)
    messages = map(json.loads, built.stdout.splitlines())
    binary = next(m["executable"] for m in messages if m.get("executable"))
    names = "".join(f"{path.resolve()}\n" for path in files)
    run = subprocess.run([binary], input=names, capture_output=True, text=True, check=True)
    return [line.split(" ") for line in run.stdout.splitlines()]


def bits(text):
    """A hash as a number."""
    return int(text, 16)


def hashed(picture):
    """The hash and quality of a picture by the reference's code."""
    import numpy
    import pdqhash
    from PIL import Image, ImageOps

    tags = getattr(picture, "tag_v2", {})
    bits, is_signed = tags.get(258, (16,))[0], tags.get(339, (1,))[0] == 2
    picture = ImageOps.exif_transpose(picture)
    if picture.mode in ("I;16", "I;16B", "I;16L", "I"):
        lowest = 1 << (bits - 1) if is_signed else 0
        whole = (numpy.asarray(picture).astype("int64") + lowest) % (1 << max(bits, 16))
        picture = Image.fromarray((whole >> (max(bits, 9) - 8)).clip(0, 255).astype("uint8"))
    elif picture.mode == "F":
        picture = Image.fromarray((numpy.asarray(picture) * 255 + 0.5).clip(0, 255).astype("uint8"))
    if "A" in picture.getbands() or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
    grey = picture.convert("L").convert("RGB")  # what it takes
    vector, quality = pdqhash.compute(numpy.asarray(grey))
    return int("".join(str(int(bit)) for bit in vector), 2), quality


def by_pillow(files):
    """Pillow alone."""
    from PIL import Image, ImageFile

    ImageFile.LOAD_TRUNCATED_IMAGES = False
    return [attempt(lambda: hashed(loaded(Image.open(path)))) for path in files]


def loaded(picture):
    """A picture with all of its pixels."""
    if min(picture.size) < 16 or picture.size[0] * picture.size[1] > 64 << 20:
        raise ValueError("outside our limits")
    picture.load()
    return picture


def by_pillow_heif(files):
    """libheif, by pillow-heif."""
    add_site()
    import pillow_heif

    def read(path):
        if path.read_bytes()[4:8] != b"ftyp":
            raise ValueError("no such container")
        return hashed(loaded(pillow_heif.open_heif(path).to_pillow()))

    return [attempt(lambda: read(path)) for path in files]


def by_chromium(files):
    """A canvas of Chromium."""
    from PIL import Image
    from playwright.sync_api import sync_playwright

    browser = subprocess.run([HERE.parent / "python/browser.sh"], capture_output=True, text=True, check=True)
    with sync_playwright() as driver:
        window = driver.chromium.launch(
            executable_path=browser.stdout.strip(), args=["--no-sandbox", "--disable-gpu"]
        )
        page = window.new_page()
        page.goto("about:blank")

        def read(path):
            data = base64.b64encode(path.read_bytes()).decode()
            png = base64.b64decode(page.evaluate(DRAW, data))
            return hashed(loaded(Image.open(io.BytesIO(png))))

        answers = [attempt(lambda: read(path)) for path in files]
        window.close()
    return answers


PEER_SIDES = dict(zip(PEERS, (by_pillow, by_pillow_heif, by_chromium)))


def attempt(read):
    """What a peer gives, or nothing."""
    warnings.simplefilter("ignore")
    try:
        return read()
    except Exception:  # noqa: BLE001 - whatever a peer raises, it has no picture
        return None


def kind_of(path, what):
    """Our name of the format, or the file's own."""
    suffix = path.suffix.lower().lstrip(".")
    same = {"tif": "tiff", "jpg": "jpeg", "heif": "heic", "j2k": "jp2", "cur": "ico"}
    return same.get(suffix, suffix) if "_" in what or what in ("truncated", "corrupt", "encrypted") else what


def compared(files, ours, theirs, listed):
    """Counts by format."""
    counts = collections.defaultdict(collections.Counter)
    for path, (what, our_hash, our_quality), their in zip(files, ours, theirs):
        count = counts[kind_of(path, what)]
        if their and our_hash is None:
            count["only the peer"] += 1
            count[f"  {what}"] += 1
        elif our_hash is not None and not their:
            count["only we"] += 1
        elif their:
            count["both"] += 1
            if min(our_quality, their[1]) >= QUALITY_MIN:
                count["compared"] += 1
                near = (our_hash ^ their[0]).bit_count() <= NEAR_BITS
                count["near"] += near
                if listed and not near:
                    print(f"{listed}: {(our_hash ^ their[0]).bit_count()} bits: {path}")
        if listed and their and our_hash is None:
            print(f"{listed}: {what}: {path}")
    return {kind: dict(count) for kind, count in sorted(counts.items()) if count}


def table(peer, figures):
    """The figures as lines."""
    lines = [f"{peer}: format, decoded by it, by us too, within {NEAR_BITS} bits of those compared, only we"]
    for kind, count in figures.items():
        both, alone = count.get("both", 0), count.get("only the peer", 0)
        why = ", ".join(f"{number}{reason[1:]}" for reason, number in count.items() if reason.startswith("  "))
        near = f"{count.get('near', 0)} of {count.get('compared', 0)}"
        lines.append(f"  {kind}: {both + alone}, {both}, {near}, {count.get('only we', 0)}" + (f" ({why})" if why else ""))
    return "\n".join(lines)


if __name__ == "__main__":
    main()
