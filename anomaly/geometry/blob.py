"""The sides of a compact defect: spalling, a stain, a hole."""

import math
from typing import NamedTuple

import cv2
import numpy as np

from anomaly.geometry.moments import Moments, moments
from anomaly.geometry.parts import Part

_ALIKE = 0.015
"""How closely the moments must agree with a shape's area for the part to count as that shape, and ..."""

_ALIKE_CELLS = 0.5
"""... by how much more they may be off in a mask of one cell, less as its cells are more: a decoder rounds corners."""

_SPARSE = 0.7
"""An ellipse fills pi/4 of its min-area rectangle, and a rectangle all of it."""

_SLENDER = 6.0
"""What is longer than this many times its width is measured as a line."""

_ROUND, _SQUARE = 0.76, 0.78
"""The mean of u^2 v^2 along the principal axes, in units of those of u^2 and v^2, is 2/3 in an ellipse and 1 in a
rectangle; up to and from these on, a coarse mask is taken for the one or the other."""

_FEW, _ROUND_FEW = 16.0, 0.72
"""Cells under which a rectangle's corners may all be gone, and what is then round enough for an ellipse."""

_FEWEST = 6.0
"""Cells under which a part of a coarse mask is a shape of no kind: as well what is left of a line."""

_OFF_CELLS = 1.5
"""Cells by which the outermost pixels of a coarse mask may lie off the shape's sides."""

BLUR_CELLS = 0.4
"""Variance in square cells of the blur of a coarse mask: the cell itself, interpolation (0.16 together) and a decoder
that softens by half a cell."""

_GRID = 96
"""Side of the grid on which fourth moments are taken, at the most twice as many samples."""


class Sides(NamedTuple):
    """The `long` and the `short` side of a part in pixels, whether it is an ellipse, whether the sides come from its
    moments, and how far a long side reaches across the row, column or diagonal of pixels along which it lies closest,
    pixels; infinite for an ellipse."""

    long: float
    short: float
    ellipse: bool
    known: bool
    across_grid: float


def sides(part: Part, cell: float = 1.0, frayed: bool = False) -> Sides:
    """Return the sides of a part of a mask decided on cells of `cell` pixels; `frayed` says that it was smoothed.

    They are those of the min-area rectangle. Where the second moments show that the part is a rectangle
    (variance = side^2 / 12) or an ellipse (axis^2 / 16), they come from the moments, which know them to
    a fraction of a pixel and do not depend on single pixels of the outline.
    """
    _, (a, b), tilt = cv2.minAreaRect(part.contour)
    long, short = max(a, b), min(a, b)
    lift = _lift(long, tilt)
    long, short = long + lift, short + lift
    across = long * abs(math.sin(math.radians((tilt + 22.5) % 45 - 22.5)))
    outer = Sides(long, short, False, False, across)
    if part.area < _SPARSE * long * short or long > _SLENDER * short:  # neither of the two shapes
        return outer
    m = moments(part.bitmap)
    major, minor = m.principal
    if cell > 1.0 or frayed:
        return _of_coarse(part, m, outer, max(cell, 1.0)) if part.area > _FEWEST * cell**2 else outer
    spread = float(np.sqrt(major * minor))
    near = 1.0 + 0.02 * long
    axes = float(4 * np.sqrt(major)), float(4 * np.sqrt(minor))
    if abs(4 * np.pi * spread / part.area - 1) < _ALIKE:
        extent = _extent(part, m) + 0.4
        if abs(axes[0] - extent[0]) < near and abs(axes[1] - extent[1]) < near:
            return Sides(*axes, True, True, math.inf)
    box = float(np.sqrt(12 * major)), float(np.sqrt(12 * minor))
    if abs(12 * spread / part.area - 1) < _ALIKE and abs(box[0] - long) < near and abs(box[1] - short) < near:
        return Sides(*box, False, True, across)
    return outer


def _of_coarse(part: Part, m: Moments, outer: Sides, cell: float) -> Sides:
    """Return the sides of a part of a mask whose outline wavers and is rounded by a grid of `cell` pixels.

    Its outermost pixels lie off the sides, one as far as another. Area and moments, which are of all pixels, know the
    sides well, once what the grid took is added: from any closed outline the blur takes pi times its variance.
    """
    major, minor = m.principal
    spread, ratio = math.sqrt(major * minor), math.sqrt(minor / major)
    cells = part.area / cell**2
    alike = _ALIKE + _ALIKE_CELLS / cells
    near = 1.0 + 0.02 * outer.long + _OFF_CELLS * cell
    whole = part.area + math.pi * BLUR_CELLS * cell * cell
    mixed = _mixed_moment(part, m)
    if mixed > _SQUARE and abs(12 * spread / part.area - 1) < alike:
        long, short = math.sqrt(whole / ratio), math.sqrt(whole * ratio)
        if abs(long - outer.long) < near and abs(short - outer.short) < near:
            return Sides(long, short, False, True, outer.across_grid)
    if mixed < (_ROUND if cells > _FEW else _ROUND_FEW) and abs(4 * math.pi * spread / part.area - 1) < alike:
        # The tips draw in by their curvature, but for the moments by less than that; by area and ratio it is too round.
        long, short = 4 * math.sqrt(major), 4 * math.sqrt(minor)
        shrunk = BLUR_CELLS * cell * cell
        long = (long + shrunk * 2 * long / short**2 + math.sqrt(4 / math.pi * whole / ratio)) / 2
        short += shrunk * 2 * short / long**2
        extent = _extent(part, m) + 0.4
        if abs(long - extent[0]) < near and abs(short - extent[1]) < near:
            return Sides(long, short, True, True, math.inf)
    return outer


def _mixed_moment(part: Part, m: Moments) -> float:
    """Return the mean of u^2 v^2 over the means of u^2 and of v^2, u and v along the principal axes."""
    factor = max(1, max(part.bitmap.shape) // _GRID)
    h, w = (-(-side // factor) for side in part.bitmap.shape)
    whole = cv2.copyMakeBorder(
        part.bitmap,
        0,
        h * factor - part.bitmap.shape[0],
        0,
        w * factor - part.bitmap.shape[1],
        cv2.BORDER_CONSTANT,
        value=0,
    )
    share = cv2.resize(whole.astype(np.float32), (w, h), interpolation=cv2.INTER_AREA)
    x, y = np.arange(w, dtype=np.float32), np.arange(h, dtype=np.float32)[:, None]
    area = float(share.sum())
    x -= float((share.sum(axis=0) * x).sum()) / area
    y -= float((share.sum(axis=1) * y[:, 0]).sum()) / area
    angle = 0.5 * math.atan2(2 * m.xy, m.xx - m.yy)
    u2 = (x * math.cos(angle) + y * math.sin(angle)) ** 2
    v2 = (y * math.cos(angle) - x * math.sin(angle)) ** 2
    uu, vv = float((share * u2).sum()), float((share * v2).sum())
    return float((share * u2 * v2).sum()) * area / max(uu * vv, 1e-9)


def _lift(long: float, tilt_degrees: float) -> float:
    """Return what a rectangle through pixel centres lacks: a whole pixel along the grid, less where many
    columns of pixels sample an oblique side."""
    oblique = abs(math.sin(2 * math.radians(tilt_degrees)))
    return 0.4 + 0.6 * max(0.0, 1 - min(long, 60.0) * oblique / 4)


def _extent(part: Part, m: Moments) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    angle = 0.5 * np.arctan2(2 * m.xy, m.xx - m.yy)
    axes = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.asarray(np.ptp(part.contour @ axes, axis=0), np.float64)
