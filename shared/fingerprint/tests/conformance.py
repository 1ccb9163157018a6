"""Answers with what PyPI pdqhash makes of pixels. Spoken to by conformance.rs, over pipes.

`photo PATH`       -> `WIDTH HEIGHT HASH QUALITY` and then the photo's RGB bytes as Pillow stores them
`pixels WIDTH HEIGHT` and then that many RGB bytes -> `WIDTH HEIGHT HASH QUALITY`
"""
import sys

import numpy
import pdqhash
from PIL import Image

requests, answers = sys.stdin.buffer, sys.stdout.buffer


def answer(pixels):
    bits, quality = pdqhash.compute(pixels)
    height, width, _ = pixels.shape
    printed = numpy.packbits(bits.astype(numpy.uint8)).tobytes().hex()
    answers.write(f"{width} {height} {printed} {quality}\n".encode())


for request in requests:
    kind, _, rest = request.decode().strip().partition(" ")
    if kind == "photo":
        pixels = numpy.ascontiguousarray(Image.open(rest).convert("RGB"))
        answer(pixels)
        answers.write(pixels.tobytes())
    else:
        width, height = map(int, rest.split())
        read = requests.read(3 * width * height)
        answer(numpy.frombuffer(read, numpy.uint8).reshape(height, width, 3).copy())
    answers.flush()
