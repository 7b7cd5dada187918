"""Low-resolution mask logits to masks inside their boxes.

SAM decides every mask on a coarse grid laid over the whole photograph. Enlarged to the photograph, 50 masks
of a 4K picture are 1.6 GB of floats; inside the boxes alone they are what is needed and nothing more.
"""

import math

import numpy as np
from numpy.typing import NDArray

from anomaly.types import Bitmap, Box, Mask


def pixels_of(box: Box, width: int, height: int) -> tuple[int, int, int, int]:
    """Return `box` rounded outwards and clipped to a photograph: x, y, columns, rows, whole pixels.

    A box without area in the photograph has 0 columns and 0 rows.
    """
    part = box.clipped(width, height)
    x, y = math.floor(part.x_min), math.floor(part.y_min)
    if part.area <= 0:
        return min(x, width - 1), min(y, height - 1), 0, 0
    return x, y, math.ceil(part.x_max) - x, math.ceil(part.y_max) - y


def empty(box: Box, width: int, height: int) -> Mask:
    """Return the mask that says that nothing was found in `box`: no pixel set, score 0."""
    x, y, columns, rows = pixels_of(box, width, height)
    return Mask(np.zeros((rows, columns), np.bool_), x, y, 0.0)


def mask_in_box(logits: NDArray[np.float32], box: Box, width: int, height: int, score: float) -> Mask:
    """Enlarge one grid of logits inside `box` only, and threshold it at 0.

    `logits` is (h, w) float32 over a whole photograph of `width` x `height` pixels. The pixels are those of
    bilinear enlargement of the grid to the photograph with half-pixel centres and a clamped border
    (`torch.nn.functional.interpolate`, `align_corners=False`), as SAM's own predictors do. `score` is
    clipped to 0..1.
    """
    x, y, columns, rows = pixels_of(box, width, height)
    cell_pixels = max(width / logits.shape[1], height / logits.shape[0])
    bitmap = _enlarged(logits, (y, rows, height), (x, columns, width))
    return Mask(bitmap, x, y, min(max(float(score), 0.0), 1.0), cell_pixels)


def _enlarged(
    logits: NDArray[np.float32], vertical: tuple[int, int, int], horizontal: tuple[int, int, int]
) -> Bitmap:
    """Where the enlarged logits are positive; both windows are (start, length, full length) in pixels."""
    top, bottom, low = _taps(*vertical, logits.shape[0])
    left, right, far = _taps(*horizontal, logits.shape[1])
    bitmap = np.zeros((len(top), len(left)), np.bool_)
    if not bitmap.size:
        return bitmap
    first, last = int(top[0]), int(bottom[-1]) + 1
    band = logits[first:last]
    across = band[:, left] * (1 - far) + band[:, right] * far
    positive = across > 0
    starts = np.flatnonzero(np.diff(top, prepend=-1)).tolist()
    for start, stop in zip(starts, [*starts[1:], len(top)], strict=True):
        upper, lower = top[start] - first, bottom[start] - first
        # A pixel between two logits that are not positive is not set: only where one is need be computed.
        columns = np.flatnonzero(positive[upper] | positive[lower])
        if not columns.size:
            continue
        span = slice(columns[0], columns[-1] + 1)
        weight = low[start:stop, None]
        value = across[upper, span] * (1 - weight)
        value += across[lower, span] * weight
        np.greater(value, 0, out=bitmap[start:stop, span])
    return bitmap


def _taps(
    start: int, length: int, full: int, cells: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """The two cells that each pixel of a window lies between, and the weight of the second.

    In float32, step by step as torch computes it, so that the result is the same to the last pixel.
    """
    scale = np.float32(cells) / np.float32(full)
    centres = np.arange(start, start + length, dtype=np.float32) + np.float32(0.5)
    source = np.maximum(centres * scale - np.float32(0.5), np.float32(0))
    before = np.minimum(source.astype(np.intp), cells - 1)
    after = np.minimum(before + 1, cells - 1)
    return before, after, np.clip(source - before.astype(np.float32), 0, 1).astype(np.float32)
