"""A measured centre line made smooth: as smooth as the noise demands, and no smoother; corners put back."""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpbsv

from anomaly.geometry.shape import Points

_SCALES = (2.0, 2.5, 3.5, 5.0, 7.0, 10.0, 14.0, 20.0)
"""Cut-off lengths that are tried, pixels."""

_NOISE = 1.5
"""Smoothing may move the line by this many standard deviations of its noise, and ..."""

_PIXEL = 0.25
"""... by this much more for the pixels themselves: a digital line strays from the true one by 1/sqrt(12) px."""

_ROUGH = 2.8
"""... or by this many of that of rough edges: in a short stretch, waves of some pixels' length add up by chance."""

_WIDEST = 0.8
"""Cut-off lengths end at this many widths: no crack bends more sharply than that."""

_CORNER_DEGREES = 25.0
_CORNER_NOISE = 6.0
"""Turns under this, and this many times the noise of the line over the length of a leg, are none."""
_CORNER_REACH = 1.1
"""Radii (and two pixels) round a corner in which the line is rounded off."""

_CORNER_CELLS = 1.0
"""Cells, over the first pixel, by which a coarse mask rounds it off further."""

_CORNER_OWN = 0.1
"""Share of a corner's turn that its legs may turn themselves: a bend turns along its legs too."""

_CORNER_DEEP, _CORNER_WIDE = 0.38, 0.05
"""Share of the way from the chord's middle to where the legs meet that a corner may lack, and how much more for each
pixel of radius under 5: what lacks more is an arc, which lacks a half."""

_CORNER_KEPT = 0.35
"""Radians by which a smoothed line turns at a corner that was put back, and nowhere else, at one point."""

_SLACK_RADII = 0.8
"""Radii of the cut-off at which bends are in doubt."""

_CORNER_SHORT = 0.35
"""Pixels by which a corner of a thin line stays short of the point where its legs meet, which the steps of pixels put
too far out; of a line over 12 px wide the legs are told well enough."""


def arc_length(points: Points) -> NDArray[np.float64]:
    """Return the arc length from the first point to each of (N, 2) points, (N,) pixels."""
    step = np.diff(points, axis=0)
    at = np.zeros(len(points))
    np.cumsum(np.hypot(step[:, 0], step[:, 1]), out=at[1:])
    return at


def resample(points: Points, step: float) -> tuple[Points, float]:
    """Return points at equal distances of at most `step` pixels along a polyline, and that distance."""
    at = arc_length(points)
    if at[-1] <= 0:
        return points[:1], step
    count = max(2, int(np.ceil(at[-1] / step)) + 1)
    to = np.linspace(0.0, at[-1], count)
    even = np.empty((count, 2))
    even[:, 0], even[:, 1] = np.interp(to, at, points[:, 0]), np.interp(to, at, points[:, 1])
    return even, at[-1] / (count - 1)


def whittaker(points: Points, scale: float) -> Points:
    """Smooth evenly spaced points (N, 2), waves shorter than 2 pi `scale` samples going.

    Whittaker's smoother with third differences (P. Eilers, "A perfect smoother", Anal. Chem. 75, 2003):
    it minimises |x - z|^2 + scale^6 |D3 z|^2, so that parabolas, ends included, stay as they are.
    """
    n = len(points)
    if n < 7:
        return points
    bands = scale**6 * _penalty(n)
    bands[3] += 1.0
    _, smoothed, _ = dpbsv(bands, points)  # positive definite whatever the points: it cannot fail
    return np.asarray(smoothed, np.float64)


@lru_cache(maxsize=64)
def _penalty(n: int) -> NDArray[np.float64]:
    """Return D3' D3 for n samples in the upper banded form of LAPACK, (4, n)."""
    bands = np.zeros((4, n))
    for shift in range(4):
        for i, weight in enumerate((-1.0, 3.0, -3.0, 1.0)):
            if i + shift < 4:
                other = (-1.0, 3.0, -3.0, 1.0)[i + shift]
                bands[3 - shift, i + shift : n - 3 + i + shift] += weight * other
    bands.flags.writeable = False
    return bands


def slack(line: Points, step: float, radius: float) -> float:
    """Return by how much an evenly spaced line (N, 2) shortens when its bends within a width go, corners kept, pixels.

    Whether the line bends so, or its edges waver, the mask does not tell: so much of its length is in doubt.
    """
    leg = np.diff(line, axis=0)
    sharp = np.abs(_angle(leg[:-1], leg[1:])) > _CORNER_KEPT
    total, last = 0.0, 0
    for corner in (*(np.flatnonzero(sharp) + 1).tolist(), len(line) - 1):
        piece, apart = resample(line[last : corner + 1], step)
        even = whittaker(piece, max(2.0, _SLACK_RADII * radius) / apart)
        total += max(0.0, float(arc_length(piece)[-1] - arc_length(even)[-1]))
        last = corner
    return total


def smooth(line: Points, step: float, radius: float, noise: float, cell: float) -> Points:
    """Smooth an evenly spaced centre line (N, 2) as much as its noise allows.

    `step` is the spacing, `radius` half the width, `noise` the standard deviation of the points across the
    line, `cell` the side of a cell of the mask's own grid, all in pixels. Among growing cut-offs, the last is
    taken that moves no stretch of the line by more than the noise explains (Morozov's discrepancy principle):
    rough edges are smoothed away, while bends and corners between clean edges stay.
    """
    limit = max(_NOISE * noise + _PIXEL, _ROUGH * noise)
    best = None
    low, high = 0, sum(scale <= max(6.0, 2 * _WIDEST * radius) for scale in _SCALES)
    while low < high:  # the first `low` are gentle enough, from `high` on they are not
        middle = (low + high) // 2
        candidate = whittaker(line, _SCALES[middle] / step)
        moved = ((candidate - line) ** 2).sum(axis=1)
        stretch = max(3, int(4 * _SCALES[middle] / step)) | 1
        local = cv2.blur(moved.reshape(-1, 1), (1, stretch), borderType=cv2.BORDER_REFLECT)
        if local.max() <= limit * limit:
            best, low = candidate, middle + 1
        else:
            high = middle
    return _corners(whittaker(line, _SCALES[0] / step) if best is None else best, step, radius, noise, cell)


def _corners(line: Points, step: float, radius: float, noise: float, cell: float) -> Points:
    """Put back the corners that thinning, recentring and smoothing rounded off.

    A corner is a turn between two straight legs; the point where the legs meet is put between them.
    """
    m = max(2, int(np.ceil((_CORNER_REACH * radius + 2 + _CORNER_CELLS * (cell - 1)) / step)))
    n = len(line)
    if n < 4 * m + 1:
        return line
    i = np.arange(2 * m, n - 2 * m)
    a, b = line[i - m], line[i + m]
    u, v = a - line[i - 2 * m], line[i + 2 * m] - b
    turn = np.abs(_angle(u, v))
    sharp = turn > np.radians(_CORNER_DEGREES) + _CORNER_NOISE * noise / (m * step)
    if not sharp.any():
        return line
    i, a, b, u, v, turn = i[sharp], a[sharp], b[sharp], u[sharp], v[sharp], turn[sharp]
    half = m // 2
    short = _CORNER_SHORT * min(1.0, max(0.0, 1.5 - (radius + 2 * (cell - 1)) / 4))
    own = np.maximum(
        np.abs(_angle(line[i - 2 * m + half] - line[i - 2 * m], a - line[i - m - half])),
        np.abs(_angle(line[i + m + half] - b, line[i + 2 * m] - line[i + 2 * m - half])),
    )
    gap = b - a
    ahead = (gap[:, 0] * v[:, 1] - gap[:, 1] * v[:, 0]) / _cross(u, v)
    apex = a + ahead[:, None] * u
    lean = np.abs(np.hypot(*(apex - a).T) - np.hypot(*(apex - b).T))
    deep = _CORNER_DEEP + _CORNER_WIDE * max(0.0, 5.0 - max(1.0, radius - (cell - 1)))
    lacks = np.hypot(*(apex - line[i]).T) < deep * m * step * np.tan(turn / 2)
    fit = np.flatnonzero((own < _CORNER_OWN * turn) & (ahead > 0) & (lean < 0.5 * m * step) & lacks)
    pieces, last = [], 0
    for run in np.split(fit, np.flatnonzero(np.diff(i[fit]) > 2) + 1):
        if not run.size:
            continue
        k = int(run[np.argmin(lean[run])])
        if i[k] - m < last:
            continue
        out = apex[k] - line[i[k]]
        share = max(0.0, 1.0 - short / max(float(np.hypot(out[0], out[1])), 1e-9))
        pieces += [line[last : i[k] - m + 1], line[i[k]][None] + share * out]
        last = int(i[k]) + m
    return np.vstack([*pieces, line[last:]])


def _cross(a: Points, b: Points) -> NDArray[np.float64]:
    return np.asarray(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])


def _angle(a: Points, b: Points) -> NDArray[np.float64]:
    return np.asarray(np.arctan2(_cross(a, b), a[:, 0] * b[:, 0] + a[:, 1] * b[:, 1]))
