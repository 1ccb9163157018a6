"""Draws TIFFs of every kind that Pillow may read: what the samples mean, their bits, how they are packed, and how
they lie in the file. `decoders.py --kinds FOLDER` counts which of them both sides decode.
"""
import io
import itertools
import pathlib
import struct

WIDTH, HEIGHT = 173, 131
PACKERS = {5: "tiff_lzw", 8: "tiff_adobe_deflate", 32773: "packbits", 34925: "lzma", 50000: "zstd"}
FAXES = {2: "tiff_ccitt", 3: "group3", 4: "group4"}
NAMES = {1: "plain", 5: "lzw", 8: "deflate", 32773: "packbits", 34925: "lzma", 50000: "zstd", 32946: "deflate-old"}
NAMES |= {2: "fax-rle", 3: "fax-3", 4: "fax-4", 7: "jpeg", 50001: "webp"}
# What the samples mean: photometric, samples, kinds of extra samples.
GREY = [("white-is-0", 0, 1, ()), ("grey", 1, 1, ())]
GREY_ALPHA = [("grey-x", 1, 2, (0,)), ("grey-multiplied", 1, 2, (1,)), ("grey-alpha", 1, 2, (2,))]
PALETTE = [("palette", 3, 1, ())]
PALETTE_ALPHA = [("palette-x", 3, 2, (0,)), ("palette-alpha", 3, 2, (2,))]
RGB = [("rgb", 2, 3, ()), ("rgb-4", 2, 4, ()), ("rgb-corel", 2, 4, (999,))]
RGB += [("rgb-x", 2, 4, (0,)), ("rgb-multiplied", 2, 4, (1,)), ("rgb-alpha", 2, 4, (2,))]
RGB_MORE = [("rgb-xx", 2, 5, (0, 0)), ("rgb-xxx", 2, 6, (0, 0, 0)), ("rgb-alpha-x", 2, 5, (2, 0))]
RGB_MORE += [("rgb-alpha-xx", 2, 6, (2, 0, 0)), ("rgb-multiplied-x", 2, 5, (1, 0))]
INKS = [("inks", 5, 4, ()), ("inks-x", 5, 5, (0,)), ("inks-xx", 5, 6, (0, 0))]
YCBCR = [("ycbcr", 6, 3, ()), ("y", 6, 1, ())]
LAB = [("lab", 8, 3, ())]


def meanings():
    """Each with its bits and the format of its samples: 1 whole, 2 signed, 3 float."""
    for meaning, bits in itertools.product(GREY, (1, 2, 4, 8, 16)):
        yield meaning, bits, 1
    yield from ((GREY[1], bits, kind) for bits, kind in ((12, 1), (8, 2), (16, 2), (32, 1), (32, 2), (32, 3)))
    yield GREY[0], 32, 3
    yield from ((meaning, bits, 1) for meaning in PALETTE for bits in (1, 2, 4, 8))
    yield from ((meaning, 8, 1) for meaning in GREY_ALPHA + PALETTE_ALPHA + RGB + RGB_MORE + INKS + YCBCR + LAB)
    yield from ((meaning, 16, 1) for meaning in RGB + INKS[:1])


def draw(folder):
    """Writes them all; gives how many."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for name, file in files():
        (folder / f"{name}.tif").write_bytes(file)
        count += 1
    return count


def files():
    """Each kind's name and bytes."""
    for (what, photometric, samples, extra), bits, kind in meanings():
        stored = drawn(photometric, samples, bits, kind)
        for way in ways(bits, samples, kind):
            name = "_".join([f"{what}-{bits}" + ("", "", "s", "f")[kind], *named(way)])
            yield name, written((photometric, samples, extra, bits, kind), stored, **way)
    yield from faxes()
    yield from jpegs()
    yield from halved()
    yield from webps()


def ways(bits, samples, kind):
    """How they are packed and lie: one thing at a time, and what is often met together."""
    yield from ({"packing": packing} for packing in (1, *PACKERS, 32946))
    yield from ({"packing": packing, "order": ">"} for packing in (1, 5))
    yield from ({"packing": packing, "tiled": True} for packing in (1, 5, 8, 32773))
    yield {"packing": 5, "big": True}
    yield {"packing": 1, "rows": HEIGHT}
    if bits in (8, 16, 32) and kind != 3:
        yield from ({"packing": packing, "predictor": 2} for packing in (5, 8))
        yield {"packing": 8, "predictor": 2, "tiled": True, "order": ">"}
    if kind == 3:
        yield {"packing": 8, "predictor": 3}
    if bits <= 8 and samples == 1 or bits == 8 and samples == 3:
        yield from ({"packing": packing, "turned": True} for packing in (1, 5))
    if samples > 1:
        yield from ({"packing": packing, "planar": True} for packing in (1, 5, 8))
        yield {"packing": 8, "planar": True, "tiled": True}


def named(way):
    """Parts of a name."""
    for key, value in way.items():
        if key == "packing":
            yield NAMES[value]
        elif key == "order":
            yield "big-endian"
        else:
            yield f"{key}-{value}" if not isinstance(value, bool) and value != HEIGHT else f"{key}"


def scene():
    """Red, green, blue and alpha from 0 to 1: waves, so that their hash has a high quality."""
    import numpy

    y, x = numpy.mgrid[0:HEIGHT, 0:WIDTH] / [[[HEIGHT]], [[WIDTH]]]
    wave = 0.5 + 0.22 * numpy.sin(19 * x + 5 * y) + 0.22 * numpy.cos(23 * y - 9 * x * y)
    disc = ((x - 0.4) ** 2 + (y - 0.55) ** 2 < 0.06) * 0.3
    red, green = (wave - disc).clip(0, 1), (wave * 0.8 + disc).clip(0, 1)
    alpha = (0.35 + 0.65 * (x > 0.2) * (y < 0.9)).clip(0, 1)
    return numpy.stack([red, green, 1 - wave, alpha], axis=2)


def drawn(photometric, samples, bits, kind):
    """Samples as they are stored, as whole numbers or floats: rows, columns, samples."""
    import numpy
    from PIL import Image

    seen = scene()
    grey = seen[..., :3] @ [0.299, 0.587, 0.114]
    colours = Image.fromarray((seen[..., :3] * 255 + 0.5).astype("uint8"))
    more = [seen[..., 3]] * 6
    if photometric in (0, 1):
        planes = [1 - grey if photometric == 0 else grey]
    elif photometric == 2:
        planes = [seen[..., at] for at in range(3)]
    elif photometric == 3:
        planes = [grey]
    elif photometric == 5:
        planes = [1 - seen[..., 0], 1 - seen[..., 1], 1 - seen[..., 2], 0 * grey + 0.1]
    elif photometric == 6:
        planes = [numpy.asarray(it) / 255 for it in colours.convert("YCbCr").split()]
    else:
        neutral = 0 * grey
        planes = [grey, neutral, neutral]
    stored = numpy.stack((planes + more)[:samples], axis=2)
    if kind == 3:
        return stored.astype("float32")
    if kind == 2 and bits > 8:
        return (stored * (2 ** (bits - 1) - 1)).astype("int64")
    return (stored * (2**bits - 1) + 0.5).astype("int64")


def packed(stored, bits, kind, order, turned=False):
    """Rows of samples as bytes: few bits from the highest on, each row from a byte on."""
    import numpy

    if kind == 3:
        return stored.astype(f"{order}f4").tobytes()
    if bits >= 8 and bits != 12:
        return stored.astype(f"{order}i{bits // 8}" if kind == 2 and bits > 8 else f"{order}u{bits // 8}").tobytes()
    places = numpy.arange(bits)[::-1]
    spread = (stored.reshape(stored.shape[0], -1, 1) >> places & 1).astype("uint8")
    return numpy.packbits(spread.reshape(stored.shape[0], -1), axis=1).tobytes()


def differences(stored, bits, kind, order, predictor):
    """Rows of samples as bytes, by their differences."""
    import numpy

    if predictor == 2:
        before = numpy.concatenate([stored[:, :1] * 0, stored[:, :-1]], axis=1)
        return packed((stored - before) % 2**bits, bits, 1, order)
    rows = stored.reshape(stored.shape[0], -1).astype(">f4").view("uint8")
    rows = rows.reshape(rows.shape[0], -1, 4).transpose(0, 2, 1).reshape(rows.shape[0], -1).astype("int64")
    samples = stored.shape[2]
    before = numpy.concatenate([rows[:, :samples] * 0, rows[:, :-samples]], axis=1)
    return ((rows - before) % 256).astype("uint8").tobytes()


def squeezed(data, packing):
    """Bytes packed as TIFF has it: by libtiff, as a page of one row."""
    import zlib

    if packing == 1:
        return data
    if packing in (8, 32946):
        return zlib.compress(data)
    from PIL import Image

    return strips(Image.frombytes("L", (len(data), 1), data), compression=PACKERS[packing])[0]


def strips(picture, **options):
    """The strips of a picture that libtiff wrote."""
    from PIL import Image

    file = io.BytesIO()
    picture.save(file, "TIFF", **options)
    tags = Image.open(file).tag_v2
    pairs = zip(tags[273], tags[279])
    return [file.getvalue()[offset : offset + length] for offset, length in pairs]


def pieces(stored, tiled, rows):
    """Strips or tiles, in their order."""
    import numpy

    height, width = stored.shape[:2]
    if not tiled:
        return [stored[top : top + rows] for top in range(0, height, rows)]
    side = 64
    padding = [(0, -height % side), (0, -width % side), (0, 0)]
    page = numpy.pad(stored, padding)
    corners = itertools.product(range(0, page.shape[0], side), range(0, page.shape[1], side))
    return [page[top : top + side, left : left + side] for top, left in corners]


def written(meaning, stored, packing, order="<", big=False, tiled=False, rows=32, predictor=1, planar=False, turned=False):
    """A file."""
    photometric, samples, extra, bits, kind = meaning
    planes = [stored[..., at : at + 1] for at in range(samples)] if planar else [stored]
    chunks = []
    for piece in itertools.chain.from_iterable(pieces(plane, tiled, rows) for plane in planes):
        data = packed(piece, bits, kind, order) if predictor == 1 else differences(piece, bits, kind, order, predictor)
        data = squeezed(data, packing)
        chunks.append(bytes(int(f"{byte:08b}"[::-1], 2) for byte in data) if turned else data)
    tags = {262: [photometric], 258: [bits] * samples, 277: [samples], 259: [packing], 284: [2 if planar else 1]}
    tags |= {338: list(extra)} if extra else {}
    tags |= {317: [predictor]} if predictor > 1 else {}
    tags |= {339: [kind] * samples} if kind > 1 else {}
    tags |= {266: [2]} if turned else {}
    tags |= {530: [1, 1]} if photometric == 6 and samples == 3 else {}
    if photometric == 3:
        tags[320] = [value * 65535 // (2**bits - 1) for _ in range(3) for value in range(2**bits)]
    return file_of(tags, chunks, order, big, (64, 64) if tiled else rows)


def file_of(tags, chunks, order="<", big=False, shape=32):
    """A file of one page: `shape` is a tile's sides or a strip's rows."""
    tags = {256: [WIDTH], 257: [HEIGHT], **tags}
    if isinstance(shape, tuple):
        tags |= {322: [shape[0]], 323: [shape[1]]}
        places, lengths = 324, 325
    else:
        tags |= {278: [shape]}
        places, lengths = 273, 279
    tags |= {places: [0] * len(chunks), lengths: [len(chunk) for chunk in chunks]}
    head = struct.pack(order + "2sHHHQ", b"II" if order == "<" else b"MM", 43, 8, 0, 16) if big else None
    head = head or struct.pack(order + "2sHI", b"II" if order == "<" else b"MM", 42, 8)
    entry, word, most = (20, "Q", 8) if big else (12, "I", 4)
    start = len(head) + (8 if big else 2) + entry * len(tags) + (8 if big else 4)
    start += sum(value_size(tag, values, big) for tag, values in tags.items() if value_size(tag, values, big) > most)
    for chunk in chunks:
        tags[places][chunks.index(chunk) if chunks.count(chunk) == 1 else tags[places].index(0)] = start
        start += len(chunk)
    body, aside = b"", b""
    aside_at = len(head) + (8 if big else 2) + entry * len(tags) + (8 if big else 4)
    for tag, values in sorted(tags.items()):
        kind = kind_of(tag)
        data = values if isinstance(values, bytes) else struct.pack(f"{order}{len(values)}{'HI'[kind == 4]}", *values)
        body += struct.pack(f"{order}HH{word}", tag, kind, len(values))
        if len(data) <= most:
            body += data.ljust(most, b"\0")
        else:
            body += struct.pack(order + word, aside_at + len(aside))
            aside += data
    count = struct.pack(order + ("Q" if big else "H"), len(tags))
    return head + count + body + bytes(8 if big else 4) + aside + b"".join(chunks)


def kind_of(tag):
    """4 long, 7 bytes, 3 short."""
    return 4 if tag in (256, 257, 273, 278, 279, 322, 323, 324, 325, 513, 514) else 7 if tag == 347 else 3


def value_size(tag, values, big):
    """Bytes that a tag's values take."""
    del big
    return len(values) * {3: 2, 4: 4, 7: 1}[kind_of(tag)]


def faxes():
    """One bit a pixel by runs, whichever end is black, in strips, in either order of bits."""
    from PIL import Image

    grey = drawn(1, 1, 8, 1)[..., 0].astype("uint8")
    picture = Image.fromarray(grey).convert("1")
    for (packing, compression), photometric, rows, turned in itertools.product(FAXES.items(), (0, 1), (32, HEIGHT), (0, 1)):
        parts = [picture.crop((0, top, WIDTH, min(top + rows, HEIGHT))) for top in range(0, HEIGHT, rows)]
        chunks = [b"".join(strips(part, compression=compression, strip_size=1 << 20)) for part in parts]
        if turned:
            chunks = [bytes(int(f"{byte:08b}"[::-1], 2) for byte in chunk) for chunk in chunks]
        tags = {262: [photometric], 258: [1], 277: [1], 259: [packing]} | ({266: [2]} if turned else {})
        name = f"bilevel-{photometric}_{NAMES[packing]}_{'strips' if rows == 32 else 'one'}"
        yield name + ("_turned" if turned else ""), file_of(tags, chunks, shape=rows)


def jpegs():
    """JPEGs inside: whole ones in strips and tiles, and as libtiff writes them."""
    from PIL import Image

    seen = (scene()[..., :3] * 255 + 0.5).astype("uint8")
    colours = Image.fromarray(seen)
    for mode, photometric, samples in (("L", 1, 1), ("L", 0, 1), ("RGB", 6, 3), ("RGB", 2, 3), ("CMYK", 5, 4)):
        for tiled, halved in itertools.product((False, True), (0, 1, 2)):
            if halved and photometric != 6:
                continue
            picture = colours.convert(mode)
            sides = (64, 64) if tiled else (WIDTH, 32)
            corners = itertools.product(range(0, HEIGHT, sides[1]), range(0, WIDTH, sides[0]))
            chunks = []
            for top, left in corners:
                bottom = top + sides[1] if tiled else min(top + sides[1], HEIGHT)
                part = picture.crop((left, top, left + sides[0], bottom))
                file = io.BytesIO()
                options = {"keep_rgb": True} if photometric == 2 else {"subsampling": halved} if photometric == 6 else {}
                part.save(file, "JPEG", quality=92, **options)
                chunks.append(file.getvalue())
            tags = {262: [photometric], 258: [8] * samples, 277: [samples], 259: [7]}
            tags |= {530: [(1, 1), (2, 1), (2, 2)][halved]} if photometric == 6 else {}
            shape = (64, 64) if tiled else 32
            yield f"jpeg-{photometric}_{halved}_{'tiled' if tiled else 'strips'}", file_of(tags, chunks, shape=shape)
        file = io.BytesIO()
        colours.convert(mode).save(file, "TIFF", compression="jpeg", quality=90)
        if photometric != 0 and photometric != 2:
            yield f"jpeg-{photometric}_by-libtiff", file.getvalue()
    for old in (False, True):
        file = io.BytesIO()
        colours.save(file, "JPEG", quality=92, subsampling=2 if old else 0)
        whole = file.getvalue()
        tags = {262: [6], 258: [8] * 3, 277: [3], 259: [6], 513: [0], 514: [len(whole)], 530: [2, 2] if old else [1, 1]}
        first = file_of(tags, [whole], shape=HEIGHT)
        tags[513] = [len(first) - len(whole)]
        yield f"jpeg-old_{int(old)}", file_of(tags, [whole], shape=HEIGHT)


def halved():
    """Colour at a part of the resolution, in blocks."""
    import numpy
    from PIL import Image

    colours = Image.fromarray((scene()[..., :3] * 255 + 0.5).astype("uint8")).convert("YCbCr")
    for (across, down), packing in itertools.product(((2, 1), (2, 2), (4, 1), (4, 2), (4, 4), (1, 2)), (1, 5, 8, 32773)):
        rows = 32
        chunks = []
        for top in range(0, HEIGHT, rows):
            page = numpy.asarray(colours)[top : top + rows]
            page = numpy.pad(page, [(0, -page.shape[0] % down), (0, -WIDTH % across), (0, 0)], mode="edge")
            blocks = []
            for y, x in itertools.product(range(0, page.shape[0], down), range(0, page.shape[1], across)):
                block = page[y : y + down, x : x + across]
                blocks += [block[..., 0].tobytes(), block[0, 0, 1:].tobytes()]
            chunks.append(squeezed(b"".join(blocks), packing))
        tags = {262: [6], 258: [8] * 3, 277: [3], 259: [packing], 530: [across, down]}
        yield f"ycbcr-8_{NAMES[packing]}_halved-{across}-{down}", file_of(tags, chunks, shape=rows)


def webps():
    """WebP inside."""
    from PIL import Image

    picture = Image.fromarray((scene() * 255 + 0.5).astype("uint8"), "RGBA")
    for mode, lossless in itertools.product(("RGB", "RGBA"), (False, True)):
        chunks = []
        for top in range(0, HEIGHT, 32):
            file = io.BytesIO()
            part = picture.convert(mode).crop((0, top, WIDTH, min(top + 32, HEIGHT)))
            part.save(file, "WEBP", lossless=lossless, quality=90, exact=True)
            chunks.append(file.getvalue())
        tags = {262: [2], 258: [8] * len(mode), 277: [len(mode)], 259: [50001]}
        tags |= {338: [2]} if mode == "RGBA" else {}
        yield f"{mode.lower()}-8_webp{'-lossless' if lossless else ''}", file_of(tags, chunks)
