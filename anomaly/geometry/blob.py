"""The sides of a compact defect: spalling, a stain, a hole."""

import math
from typing import NamedTuple

import cv2
import numpy as np

from anomaly.geometry.moments import Moments, moments
from anomaly.geometry.parts import Part

_ALIKE = 0.015
"""How closely the moments must agree with a shape's area for the part to count as that shape."""

_SPARSE = 0.7
"""An ellipse fills pi/4 of its min-area rectangle, and a rectangle all of it."""

_SLENDER = 6.0
"""What is longer than this many times its width is measured as a line."""


class Sides(NamedTuple):
    """The `long` and the `short` side of a part in pixels, whether it is an ellipse, and how far a long side reaches
    across the row, column or diagonal of pixels along which it lies closest, pixels; infinite for an ellipse."""

    long: float
    short: float
    ellipse: bool
    across_grid: float


def sides(part: Part) -> Sides:
    """Return the sides of a part.

    They are those of the min-area rectangle. Where the second moments show that the part is a rectangle
    (variance = side^2 / 12) or an ellipse (axis^2 / 16), they come from the moments, which know them to
    a fraction of a pixel and do not depend on single pixels of the outline.
    """
    _, (a, b), tilt = cv2.minAreaRect(part.contour)
    long, short = max(a, b), min(a, b)
    lift = _lift(long, tilt)
    long, short = long + lift, short + lift
    across = long * abs(math.sin(math.radians((tilt + 22.5) % 45 - 22.5)))
    if part.area < _SPARSE * long * short or long > _SLENDER * short:  # neither of the two shapes
        return Sides(long, short, False, across)
    m = moments(part.bitmap)
    major, minor = m.principal
    spread = float(np.sqrt(major * minor))
    near = 1.0 + 0.02 * long
    axes = float(4 * np.sqrt(major)), float(4 * np.sqrt(minor))
    if abs(4 * np.pi * spread / part.area - 1) < _ALIKE:
        extent = _extent(part, m) + 0.4
        if abs(axes[0] - extent[0]) < near and abs(axes[1] - extent[1]) < near:
            return Sides(*axes, True, math.inf)
    box = float(np.sqrt(12 * major)), float(np.sqrt(12 * minor))
    if abs(12 * spread / part.area - 1) < _ALIKE and abs(box[0] - long) < near and abs(box[1] - short) < near:
        return Sides(*box, False, across)
    return Sides(long, short, False, across)


def _lift(long: float, tilt_degrees: float) -> float:
    """Return what a rectangle through pixel centres lacks: a whole pixel along the grid, less where many
    columns of pixels sample an oblique side."""
    oblique = abs(math.sin(2 * math.radians(tilt_degrees)))
    return 0.4 + 0.6 * max(0.0, 1 - min(long, 60.0) * oblique / 4)


def _extent(part: Part, m: Moments) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    angle = 0.5 * np.arctan2(2 * m.xy, m.xx - m.yy)
    axes = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.asarray(np.ptp(part.contour @ axes, axis=0), np.float64)
