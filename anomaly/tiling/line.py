"""The shape of a slender mask, as far as joining pieces needs it: its width, its tips, where it heads."""

from collections import Counter
from dataclasses import dataclass
from math import hypot

import cv2
import numpy as np
from numpy.typing import NDArray

from anomaly.tiling.paths import FREE, paths
from anomaly.tiling.piece import Region, cut
from anomaly.types import Bitmap, Mask

SLENDER = 5.0
"""Length over width from which a mask is a line; `anomaly.geometry` tells blobs by the same figure."""


@dataclass(frozen=True, slots=True)
class Tip:
    """An end of a line in pixels of the photograph, and the unit vector in which it points outwards."""

    x: float
    y: float
    dx: float
    dy: float


def thickness(bitmap: Bitmap | NDArray[np.uint8]) -> float:
    """Return the typical width in pixels: four times the mean distance to the edge is that of a strip."""
    framed = cv2.copyMakeBorder(bitmap.view(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    distance = cv2.distanceTransform(framed, cv2.DIST_L2, 3)
    # On the pixel grid the mean over a strip w wide is (w + 2) / 4.
    return max(1.0, 4.0 * float(distance.sum()) / max(int(np.count_nonzero(bitmap)), 1) - 2.0)


def is_line(mask: Mask, width: float) -> bool:
    """Whether the mask is at least `SLENDER` times as long as it is wide."""
    return mask.area >= SLENDER * width * width


def tips(mask: Mask, width: float) -> list[Tip]:
    """Return the free ends of a line. A flat end, whose skeleton forks to its corners, is one end."""
    lines = paths(mask, width)
    ends = Counter(end for path in lines for end in (path.start, path.end))
    return [
        _tip(path.points, width)
        for line in lines
        for path in (line, line.reversed())
        if (path.start == FREE and not line.closed) or (path.start != FREE and ends[path.start] == 1)
    ]


def heading(mask: Mask, x: float, y: float, radius: float, shortest: float) -> "tuple[float, float] | None":
    """Return the unit vector along which the mask runs within `radius` pixels of a point.

    None where it runs nowhere, or for less than `shortest` pixels: a slice of a line shows its breadth.
    """
    region: Region = (int(x - radius), int(y - radius), int(x + radius) + 1, int(y + radius) + 1)
    points = np.argwhere(cut(mask, region))
    if len(points) < 3:
        return None
    spread, axes = np.linalg.eigh(np.cov(points.T))
    if spread[1] < 4.0 * spread[0] or 12.0 * spread[1] < shortest * shortest:  # L^2 / 12 is a rod's
        return None
    return float(axes[1, 1]), float(axes[0, 1])


def turn_degrees(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Return the angle between two unit vectors, 0..180."""
    return float(np.degrees(np.arccos(np.clip(a[0] * b[0] + a[1] * b[1], -1.0, 1.0))))


def _tip(points: NDArray[np.float32], width: float) -> Tip:
    """Carry the axis on to its end, past the last width: there the skeleton bends into a corner."""
    away = np.hypot(*(points - points[0]).T)
    near, far = (int(np.argmax(away >= min(reach, away.max()))) for reach in (width, 4.0 * width + 4.0))
    dx, dy = (float(each) for each in points[near] - points[far])
    norm = hypot(dx, dy)
    if not norm:
        return Tip(float(points[0, 0]), float(points[0, 1]), 0.0, 0.0)
    onward = float(away[near]) / norm
    return Tip(
        float(points[near, 0]) + dx * onward, float(points[near, 1]) + dy * onward, dx / norm, dy / norm
    )
