"""Masks of a 4K photograph written for the wire, in milliseconds. `python -m benchmarks.masks_wire`.

Three sets of drawn masks: ragged cracks in boxes of 600 pixels, patches smooth as a segmenter's, and ragged
ones. Each format is timed on all masks of a set, best of many, one thread; polygons also with their writing as JSON.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from anomaly.imaging.masks import encode
from anomaly.types import Bitmap, Mask, MaskFormat
from anomaly.wire.answer import to_json
from benchmarks import machine

WIDTH, HEIGHT = 3840, 2160


def crack(rng: np.random.Generator) -> Bitmap:
    """Return a wavering diagonal, 2 to 11 pixels wide."""
    height, width = (int(value) for value in rng.integers(300, 900, 2))
    along = np.linspace(0, 1, 200)
    aside = 20 * np.sin(12 * along) + rng.normal(0, 2, 200)
    points = np.stack([along * (width - 1), along * (height - 1) + aside], axis=1).astype(np.int32)
    canvas = np.zeros((height, width), np.uint8)
    cv2.polylines(canvas, [points], False, 1, int(rng.integers(2, 12)))
    return canvas.view(np.bool_)


def patch(rng: np.random.Generator, grain: int) -> Bitmap:
    """Return an ellipse whose outline wavers over some `grain` pixels."""
    height, width = (int(value) for value in rng.integers(200, 800, 2))
    noise = rng.normal(size=(height // grain + 2, width // grain + 2)).astype(np.float32)
    waver = np.asarray(cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC))
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    return np.asarray(x**2 + y**2 + 0.25 * waver < 0.85)


SETS: dict[str, Callable[[np.random.Generator], Bitmap]] = {
    "cracks": crack,
    "smooth patches": lambda rng: patch(rng, 40),
    "ragged patches": lambda rng: patch(rng, 14),
}


def placed(bitmap: Bitmap, rng: np.random.Generator) -> Mask:
    """Put a mask somewhere on the photograph."""
    height, width = bitmap.shape
    return Mask(bitmap, int(rng.integers(0, WIDTH - width)), int(rng.integers(0, HEIGHT - height)), 0.9)


def best_ms(masks: list[Mask], mask_format: MaskFormat, repeats: int, *, as_json: bool = False) -> float:
    """Return the milliseconds of the fastest round over all masks."""
    best = float("inf")
    for _ in range(repeats):
        started = time.perf_counter()
        for mask in masks:
            written = encode(mask, mask_format, WIDTH, HEIGHT)
            if as_json:
                to_json(written)
        best = min(best, time.perf_counter() - started)
    return best * 1e3


def main() -> None:
    """Print the table, and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20, help="masks in each set")
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, help="write JSON here")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    table = []
    print(
        f"| {arguments.count} masks | megapixels of boxes | RLE ms | polygon ms | polygon as JSON ms | PNG ms |"
    )
    print("|---|---|---|---|---|---|")
    for name, make in SETS.items():
        rng = np.random.default_rng(arguments.seed)
        masks = [placed(make(rng), rng) for _ in range(arguments.count)]
        row: dict[str, object] = {"set": name, "megapixels": sum(mask.bitmap.size for mask in masks) / 1e6}
        row |= {each.value: best_ms(masks, each, arguments.repeats) for each in MaskFormat}
        row["polygon as JSON"] = best_ms(masks, MaskFormat.POLYGON, arguments.repeats, as_json=True)
        table.append(row)
        print(
            "| {set} | {megapixels:.1f} | {rle:.1f} | {polygon:.1f} | {polygon as JSON:.1f} | {png:.1f} |".format(
                **row
            ),
            flush=True,
        )
    if arguments.out:
        arguments.out.write_text(json.dumps({"machine": machine.describe(), "rows": table}, indent=1) + "\n")


if __name__ == "__main__":
    main()
