"""Cracks and patches drawn on a large photograph, and what an ideal detector would find in its tiles."""

from collections.abc import Sequence
from math import cos, pi, sin

import cv2
import numpy as np
from numpy.typing import NDArray

from anomaly.geometry import measure_mask
from anomaly.tiling import Piece
from anomaly.types import Box, Mask

Drawing = NDArray[np.uint8]
Points = NDArray[np.float64]


def curve(rng: np.random.Generator, width: int, height: int) -> Points:
    """A straight, wavy, arched or zigzag line across the middle of the photograph."""
    angle = rng.uniform(0, 2 * pi)
    length = rng.uniform(0.5, 0.75) * min(width, height)
    along = np.linspace(-0.5, 0.5, 300)
    kind = rng.choice(["straight", "wavy", "arc", "zigzag"])
    if kind == "straight":
        aside = 0.0 * along
    elif kind == "wavy":
        aside = rng.uniform(0.02, 0.06) * np.sin(along * rng.uniform(6, 14) + rng.uniform(0, 6))
    elif kind == "arc":
        aside = rng.uniform(-0.8, 0.8) * along**2
    else:
        aside = np.interp(along, np.linspace(-0.5, 0.5, 9), rng.uniform(-0.03, 0.03, 9))
    direction, normal = np.array([cos(angle), sin(angle)]), np.array([-sin(angle), cos(angle)])
    centre = np.array([width / 2, height / 2]) + rng.uniform(-0.1, 0.1, 2) * (width, height)
    return np.asarray(centre + length * (np.outer(along, direction) + np.outer(aside, normal)))


def stroke(points: Points, thickness: int, width: int, height: int) -> Drawing:
    """Draw a line `thickness` pixels wide: (height, width) uint8 of 0 and 1."""
    canvas = np.zeros((height, width), np.uint8)
    cv2.polylines(canvas, [np.rint(points * 16).astype(np.int32)], False, 1, thickness, shift=4)
    return canvas


def straight(start: tuple[float, float], end: tuple[float, float], thickness: int, side: int) -> Drawing:
    """Draw a straight line on a square photograph."""
    return stroke(np.array([start, end], float), thickness, side, side)


def seen(
    objects: Sequence[Drawing],
    views: Sequence[Box],
    rng: np.random.Generator,
    *,
    jitter: int = 0,
    blind: int = 0,
    cell: float = 1.0,
    label: str = "crack",
) -> list[Piece]:
    """One piece per connected part of each object in each view, moved by up to `jitter` pixels.

    Nothing is seen in the outermost `blind` pixels of a view.
    """
    pieces = []
    for view in views:
        x0, y0, x1, y1 = (int(value) for value in (view.x_min, view.y_min, view.x_max, view.y_max))
        for drawing in objects:
            crop = drawing[y0:y1, x0:x1].copy()
            if blind:
                crop[:blind], crop[-blind:], crop[:, :blind], crop[:, -blind:] = 0, 0, 0, 0
            count, labels, stats, _ = cv2.connectedComponentsWithStats(crop, connectivity=8)
            for number in range(1, count):
                x, y, wide, high, area = (int(value) for value in stats[number])
                if area < 6:
                    continue
                bitmap = labels[y : y + high, x : x + wide] == number
                dx, dy = (int(value) for value in rng.integers(-jitter, jitter + 1, 2))
                left = min(max(x0 + x + dx, x0), x1 - wide)
                top = min(max(y0 + y + dy, y0), y1 - high)
                box = Box(left, top, left + wide, top + high)
                mask = Mask(bitmap, left, top, 0.9, cell)
                pieces.append(Piece(label, float(rng.uniform(0.3, 0.95)), box, mask, view))
    return pieces


def coarse(drawing: Drawing, cell: int) -> Drawing:
    """The drawing as a decoder with cells of `cell` pixels sees it: averaged, and interpolated again."""
    height, width = drawing.shape
    small = cv2.resize(drawing * 255, (width // cell, height // cell), interpolation=cv2.INTER_AREA)
    return (cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR) > 60).astype(np.uint8)


def length(drawing: Drawing) -> float:
    """What the product measures on the whole drawing, pixels."""
    height, width = drawing.shape
    return measure_mask(Mask(drawing.astype(np.bool_), 0, 0, 1.0), width, height).length_pixels


def lengths(merged: Sequence[object], width: int, height: int) -> list[float]:
    """What the product measures on each merged mask, longest first."""
    masks = [each.mask for each in merged]  # type: ignore[attr-defined]
    return sorted((measure_mask(mask, width, height).length_pixels for mask in masks), reverse=True)


def everything(width: int, height: int) -> Box:
    """The view of the whole photograph."""
    return Box(0, 0, width, height)


def scene(rng: np.random.Generator) -> tuple[int, int, int, int]:
    """Size of a photograph of 2x2 to 6x4 tiles, the tiles' side and their overlap."""
    side, overlap = int(rng.integers(160, 260)), int(rng.choice([0, 24, 40, 64]))
    across, down = int(rng.integers(2, 7)), int(rng.integers(2, 5))
    return across * (side - overlap) + overlap, down * (side - overlap) + overlap, side, overlap
