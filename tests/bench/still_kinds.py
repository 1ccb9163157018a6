"""Draws HEICs and AVIFs of the kinds that phones and sites write: how colours are halved, how deep and how wide
samples reach, by which weights they become brightness, alpha, sides that are odd, turned by EXIF or by the
container. `decoders.py --kinds FOLDER` counts which of them both sides decode.
"""
import io
import itertools
import pathlib

SIDES = ((640, 480), (481, 643), (333, 217), (1200, 900))


def scene(width, height, turn):
    """Waves and discs of 8 bits, so that their hash has a high quality; another for each turn."""
    import numpy

    y, x = numpy.mgrid[0:height, 0:width] / [[[height]], [[width]]]
    wave = 0.5 + 0.2 * numpy.sin((17 + turn) * x + 5 * y) + 0.2 * numpy.cos(21 * y - 9 * x * y + turn)
    disc = ((x - 0.3 - turn / 20) ** 2 + (y - 0.55) ** 2 < 0.05) * 0.3
    seen = numpy.stack([wave - disc, wave * 0.8 + disc, 1 - wave * 0.9], axis=2)
    return (seen.clip(0, 1) * 255 + 0.5).astype("uint8")


def draw(folder):
    """Writes them all; gives how many."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for name, file in itertools.chain(heics(), avifs()):
        (folder / name).write_bytes(file)
        count += 1
    return count


def shapes():
    """Each size, grey, in colours and with alpha."""
    import numpy

    for turn, (width, height) in enumerate(SIDES):
        colours = scene(width, height, turn)
        alpha = numpy.full((height, width, 1), 255, "uint8")
        alpha[height // 3 :, : width // 4] = 90
        yield f"{width}", "L", colours[..., 0].copy()
        yield f"{width}", "RGB", colours
        yield f"{width}", "RGBA", numpy.concatenate([colours, alpha], axis=2)


def heics():
    """By libheif's encoder of HEVC."""
    import pillow_heif

    for (size, mode, pixels), quality, chroma in itertools.product(shapes(), (30, 60, 90), (420, 422, 444)):
        if mode == "L" and chroma != 420:
            continue
        options = {"quality": quality} | ({"chroma": chroma} if mode != "L" else {})
        picture = pillow_heif.from_bytes(mode, pixels.shape[1::-1], pixels.tobytes())
        yield f"{size}_{mode}_{quality}_{chroma}.heic", saved(picture, **options)
    for turn, (matrix, full) in enumerate(itertools.product((1, 5, 6, 9), (0, 1))):
        pixels = scene(640, 480, turn)
        picture = pillow_heif.from_bytes("RGB", (640, 480), pixels.tobytes())
        options = {"matrix_coefficients": matrix, "full_range_flag": full, "color_primaries": 1, "transfer_characteristics": 13}
        yield f"matrix-{matrix}-{full}.heic", saved(picture, quality=80, **options)
    for turn, mode in itertools.product(range(1, 9), ("L", "RGB")):
        from PIL import Image

        pixels = scene(640, 480, turn)
        exif = Image.Exif()
        exif[0x112] = turn
        picture = pillow_heif.from_bytes(mode, (640, 480), (pixels if mode == "RGB" else pixels[..., 0]).tobytes())
        yield f"turned-{turn}_{mode}.heic", saved(picture, quality=80, exif=exif.tobytes())
    for turn, bits in itertools.product(range(4), (10, 12)):
        width, height = SIDES[turn]
        pixels = scene(width, height, turn).astype("uint16") * 257
        pillow_heif.options.SAVE_HDR_TO_12_BIT = bits == 12
        picture = pillow_heif.from_bytes("RGB;16", (width, height), pixels.tobytes())
        yield f"{width}_{bits}-bit.heic", saved(picture, quality=80)


def avifs():
    """By libavif's encoders of AV1."""
    import imagecodecs
    from PIL import Image

    ways = itertools.product(shapes(), (30, 60, 90), ("4:2:0", "4:2:2", "4:4:4", "4:0:0"))
    for (size, mode, pixels), quality, halved in ways:
        if (mode == "L") != (halved == "4:0:0"):
            continue
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "AVIF", quality=quality, subsampling=halved, speed=9)
        yield f"{size}_{mode}_{quality}_{halved.replace(':', '')}.avif", file.getvalue()
    for turn, spread in itertools.product(range(4), ("full", "limited")):
        width, height = SIDES[turn]
        file = io.BytesIO()
        picture = Image.fromarray(scene(width, height, turn))
        picture.save(file, "AVIF", quality=75, range=spread, speed=9, tile_rows=turn % 3, tile_cols=turn % 2)
        yield f"{width}_{spread}.avif", file.getvalue()
    for turn in range(1, 9):
        file, exif = io.BytesIO(), Image.Exif()
        exif[0x112] = turn
        Image.fromarray(scene(640, 480, turn)).save(file, "AVIF", quality=75, exif=exif, speed=9)
        yield f"turned-{turn}.avif", file.getvalue()
    for turn, bits, halved in itertools.product(range(4), (10, 12), ("420", "422", "444")):
        width, height = SIDES[turn]
        pixels = scene(width, height, turn).astype("uint16") << (bits - 8)
        file = imagecodecs.avif_encode(pixels, level=75, bitspersample=bits, pixelformat=halved, speed=9)
        yield f"{width}_{bits}-bit_{halved}.avif", bytes(file)
    for turn in range(3):
        file = io.BytesIO()
        frames = [Image.fromarray(scene(320, 240, turn + step)) for step in range(3)]
        frames[0].save(file, "AVIF", save_all=True, append_images=frames[1:], speed=9)
        yield f"frames-{turn}.avif", file.getvalue()


def saved(picture, **options):
    """The bytes of a HEIC."""
    file = io.BytesIO()
    picture.save(file, **options)
    return file.getvalue()
