#!/usr/bin/env python3
"""Says how large each built function is, zipped as it is uploaded. Exit 1 if one is too large.

usage: sizes.py BUILD_DIR
"""
import io, pathlib, sys, zipfile

AIM_MB = 7  # an unzipped start takes longer the larger it is; Lambda itself allows seven times that

too_large = False
print("| function | program | zipped |\n| --- | ---: | ---: |")
for program in sorted(pathlib.Path(sys.argv[1]).glob("*/bootstrap")):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.write(program, "bootstrap")
    size = len(packed.getvalue())
    too_large |= size > AIM_MB * 1e6
    name = program.parent.name.removesuffix("Function").lower()
    print(f"| `{name}` | {program.stat().st_size / 1e6:.1f} MB | {size / 1e6:.1f} MB |")
sys.exit(f"hint: an artefact is over {AIM_MB} MB zipped; see what it links with cargo tree" if too_large else 0)
