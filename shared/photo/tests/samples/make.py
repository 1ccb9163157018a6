"""Writes the samples of this folder: drawings, encoded by peers of our decoders.

    python3 -m venv v && v/bin/pip install pillow==13.0.0 pillow-heif==1.8.1 imagecodecs numpy && v/bin/python make.py

Every sample holds the drawing of `drawn::Drawing` (a ramp, 2 steps a pixel at most), at 96x64 unless its
name says otherwise, so the tests know its pixels without a second decoder.
"""

import io
import pathlib

import imagecodecs
import numpy as np
import pillow_heif
from PIL import Image

HERE = pathlib.Path(__file__).parent
WIDTH, HEIGHT = 96, 64


def ramp(width=WIDTH, height=HEIGHT):
    y, x = np.mgrid[0:height, 0:width]
    return np.stack(
        [40 + x * 200 // max(width, 100), 20 + y * 200 // max(height, 100), np.full_like(x, 128)], axis=-1
    ).astype(np.uint8)


def heic(name, pixels, mode="RGB", **options):
    picture = pillow_heif.from_bytes(mode, pixels.shape[1::-1], pixels.tobytes())
    picture.save(HERE / name, quality=options.pop("quality", 90), **options)


def avif(name, pixels, **options):
    Image.fromarray(pixels).save(HERE / name, quality=85, **options)


def main():
    heics()
    avifs()
    tiffs()
    small = ramp(33, 18)
    (HERE / "small.jxl").write_bytes(imagecodecs.jpegxl_encode(small, lossless=True))
    (HERE / "small.jp2").write_bytes(imagecodecs.jpeg2k_encode(small, codecformat="JP2", reversible=True))
    grey = ramp()[:, :, 0].copy()
    (HERE / "grey.jxl").write_bytes(imagecodecs.jpegxl_encode(grey, lossless=True))
    (HERE / "grey.jp2").write_bytes(imagecodecs.jpeg2k_encode(grey, codecformat="JP2", reversible=True))
    clear = np.concatenate([ramp(), half_clear()], axis=2)
    (HERE / "half_clear.jxl").write_bytes(imagecodecs.jpegxl_encode(clear, lossless=True))
    (HERE / "lossy.jxl").write_bytes(imagecodecs.jpegxl_encode(ramp(), level=90))


def tiffs():
    drawing = Image.fromarray(ramp(64, 48))
    for name, packer in (("zstandard", "zstd"), ("lzma", "lzma")):
        drawing.save(HERE / f"{name}.tif", compression=packer)
    drawing.save(HERE / "zstandard_differences.tif", compression="zstd", tiffinfo={317: 2})


def half_clear():
    alpha = np.full((HEIGHT, WIDTH, 1), 255, np.uint8)
    alpha[:, : WIDTH // 2] = 0
    return alpha


def avifs():
    drawing = ramp()
    avif("ramp.avif", drawing)
    avif("ramp_444.avif", drawing, subsampling="4:4:4")
    avif("small.avif", ramp(33, 18))
    avif("grey.avif", drawing[:, :, 0].copy())
    wide = drawing.astype(np.uint16) * 4
    ten = imagecodecs.avif_encode(wide, level=85, bitspersample=10, pixelformat="444")
    (HERE / "ramp_10bit.avif").write_bytes(ten)
    alpha = half_clear()
    avif("half_clear.avif", np.concatenate([drawing, alpha], axis=2))


def heics():
    drawing = ramp()
    heic("ramp.heic", drawing)
    heic("ramp_444.heic", drawing, chroma=444)
    heic("small.heic", ramp(33, 18))
    heic("large_444.heic", ramp(1000, 800), chroma=444, quality=10)
    heic("ramp_709.heic", drawing, matrix_coefficients=1, full_range_flag=0)
    heic("grey.heic", drawing[:, :, 0].copy(), mode="L")
    alpha = half_clear()
    heic("half_clear.heic", np.concatenate([drawing, alpha], axis=2), mode="RGBA")
    wide = drawing.astype(np.uint16) * 257
    heic("ramp_10bit.heic", wide, mode="RGB;16")
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = pillow_heif.from_bytes("RGB", (WIDTH, HEIGHT), drawing.tobytes())
    picture.save(HERE / "turned.heic", quality=90, exif=exif.tobytes())


if __name__ == "__main__":
    main()
