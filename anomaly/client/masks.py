"""A mask of an answer as pixels again: the exact inverse of `anomaly.imaging.masks`, cropped."""

import base64
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomaly.types import Mask


def mask_of(value: Any, score: float) -> Mask | None:
    """Return a mask in any of its three forms, cropped to its pixels; None where it has none.

    Raises ValueError for what is none of the forms.
    """
    match value:
        case {"size": [height, width], "counts": counts}:
            return _from_runs(_runs(counts), height, width, score)
        case {"x": x, "y": y, "data": data}:
            return _from_png(data, x, y, score) if data else None
        case list():
            return _from_rings([ring for part in value for ring in (part["exterior"], *part["holes"])], score)
    raise ValueError("a mask is run lengths, polygons or a PNG of its box")


def _runs(counts: str) -> NDArray[np.int64]:
    """Unpack COCO's text: six bits a character, a run in groups of five, from the third on as differences."""
    runs: list[int] = []
    value = shift = 0
    for byte in counts.encode("ascii"):
        bits = byte - 48
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift
        runs.append(value + runs[-2] if len(runs) > 2 else value)
        value = shift = 0
    return np.array(runs, np.int64)


def _from_runs(runs: NDArray[np.int64], height: int, width: int, score: float) -> Mask | None:
    ends = np.cumsum(runs)
    starts, stops = ends[:-1:2], ends[1::2]  # of what is set, down the columns one after the other
    starts, stops = starts[: len(stops)][stops > starts[: len(stops)]], stops[stops > starts[: len(stops)]]
    if not len(starts):
        return None
    first, last = int(starts[0]) // height, int(stops[-1] - 1) // height
    columns = np.zeros((last - first + 1) * height + 1, np.int8)
    np.add.at(columns, starts - first * height, 1)
    np.add.at(columns, stops - first * height, -1)
    bitmap = np.cumsum(columns[:-1], dtype=np.int8).astype(bool).reshape(-1, height).T
    return _cropped(bitmap, first, 0, score)


def _from_png(data: str, x: int, y: int, score: float) -> Mask:
    from PIL import Image as Pillow

    with Pillow.open(io.BytesIO(base64.b64decode(data))) as picture:
        return Mask(np.array(picture.convert("1"), bool), x, y, score)


def _from_rings(rings: list[list[list[int]]], score: float) -> Mask | None:
    """Fill rings that run along the corners of pixels: each crossing of an upright edge turns in to out."""
    if not rings:
        return None
    points = np.concatenate([np.asarray(ring, np.int64) for ring in rings])
    x0, y0 = points.min(axis=0)
    x1, y1 = points.max(axis=0)
    toggles = np.zeros((y1 - y0, x1 - x0 + 1), np.uint8)
    for ring in rings:
        corners = np.asarray(ring, np.int64) - (x0, y0)
        for (x, start), (_, end) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
            toggles[min(start, end) : max(start, end), x] ^= 1
    bitmap = np.bitwise_xor.accumulate(toggles, axis=1)[:, :-1].astype(bool)
    return Mask(bitmap, int(x0), int(y0), score)


def _cropped(bitmap: NDArray[np.bool_], x: int, y: int, score: float) -> Mask:
    rows, columns = np.flatnonzero(bitmap.any(axis=1)), np.flatnonzero(bitmap.any(axis=0))
    top, left = int(rows[0]), int(columns[0])
    part = bitmap[top : rows[-1] + 1, left : columns[-1] + 1]
    return Mask(np.ascontiguousarray(part), x + left, y + top, score)
