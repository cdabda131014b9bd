"""Records small images of each kind and what PIL, and so torchvision's ImageFolder, makes of them in RGB.

Writes `fixtures/images/`; its README describes it.

Run:       python scripts/record_images.py
Versions:  recorded with Python 3.11, Pillow 13, numpy 2.4.
"""

import json
import pathlib

import numpy as np
from PIL import Image

OUT = pathlib.Path(__file__).resolve().parent.parent / "fixtures" / "images"
HEIGHT, WIDTH = 11, 18


def main():
    OUT.mkdir(exist_ok=True)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    smooth = np.stack([x * 14, y * 23, 255 - x * 7 - y * 5], -1).astype("u1")
    noise = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 4), dtype="u1")
    rgb, grey = Image.fromarray(smooth), Image.fromarray(smooth[:, :, 2])
    images = {
        "rgb.png": (Image.fromarray(noise[:, :, :3]), {}),
        "rgba.png": (Image.fromarray(noise), {}),
        "grey.png": (Image.fromarray(noise[:, :, 0]), {}),
        "grey_alpha.png": (Image.fromarray(noise[:, :, :2].copy(), mode="LA"), {}),
        "palette.png": (rgb.quantize(16), {}),
        "black_white.png": (grey.convert("1"), {}),
        "baseline.jpg": (rgb, dict(quality=90, subsampling=0)),
        "chroma_420.jpg": (rgb, dict(quality=90, subsampling=2)),
        "progressive.jpg": (rgb, dict(quality=90, subsampling=0, progressive=True)),
        "grey.jpeg": (grey, dict(quality=90)),
    }
    values = {}
    for name, (image, options) in images.items():
        image.save(OUT / name, **options)
        with Image.open(OUT / name) as read:
            values[name] = np.asarray(read.convert("RGB")).transpose(2, 0, 1).flatten().tolist()
    (OUT / "values.json").write_text(json.dumps(dict(shape=[3, HEIGHT, WIDTH], values=values), separators=(",", ":")) + "\n")


main()
