#!/usr/bin/env python3
"""Makes the smaller widths of the demo's pictures, so that the first start of a demo shop need not.

  pip install pillow
  python resize.py [picture ...]

Reads pictures/<name>.webp (1200 pixels wide) and writes pictures/<width>/<name>.webp for each width below. Run it after
render_products.py, commit what it writes; CI and users never run it.
"""
import pathlib, sys
from PIL import Image

WIDTHS, QUALITY = (320, 480, 640, 800), 82
here = pathlib.Path(__file__).parent / 'pictures'
names = sys.argv[1:] or sorted(path.stem for path in here.glob('*.webp'))
for name in names:
    with Image.open(here / f'{name}.webp') as original:
        original = original.convert('RGB')
    for width in WIDTHS:
        out = here / str(width) / f'{name}.webp'
        out.parent.mkdir(exist_ok=True)
        height = round(original.height * width / original.width)
        original.resize((width, height), Image.Resampling.LANCZOS).save(out, quality=QUALITY, method=6)
print(f'{len(names)} pictures in {len(WIDTHS)} widths')
