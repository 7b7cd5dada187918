"""The ends of a centre line: carried on to the tip, to the photograph's edge, or to the line it branches from."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from anomaly.geometry.shape import Frame, Points, Shape

_STEP = 0.25
"""Spacing of samples ahead, pixels."""

_GAP = 6
"""As many samples in a row outside the mask are its end; fewer are a notch between diagonal pixels."""

_LANES = np.linspace(-1.0, 1.0, 7)
"""Sideways places, in units of the lane's half width, over which an end is averaged."""

_THIN = 1.25
"""Radius up to which an end is found by its pixels one by one."""

_THIN_END = 0.45
"""How far the end of a line one pixel wide lies beyond the centre of its last pixel, on average."""


def heading(line: Points, back: float) -> NDArray[np.float64]:
    """Return the direction of a line at its last point, a unit vector, over the last `back` pixels."""
    apart = np.hypot(line[:, 0] - line[-1, 0], line[:, 1] - line[-1, 1])
    far = np.flatnonzero(apart >= back)
    step = line[-1] - line[far[-1] if far.size else 0]
    return np.asarray(step / max(float(np.hypot(step[0], step[1])), 1e-9))


def tip(shape: Shape, line: Points, radius: float) -> Points:
    """Return the point, (2,) xy, where a line, carried straight on from its last point, leaves the mask.

    The end is averaged over lanes within 0.3 radii of the line, which a flat end and a round one both meet
    at the tip. A line that runs out of the photograph ends on the photograph's edge.
    """
    start = line[-1]
    near = max(0.7, min(radius, shape.radius(start)))
    ahead = heading(line, 2.0 * radius + 4.0)
    reach = _thin_reach(shape, start, ahead, near) if near <= _THIN else None
    if reach is None:
        reach = _reach(shape, start, ahead, near)
    if shape.frame is not None:
        reach = _to_frame(shape.frame, start, ahead, reach, near)
    return np.asarray(start + reach * ahead)


def drawn_back(radius: float, cell: float) -> float:
    """Return by how many pixels the tip of a line lies short in a mask decided on a grid of `cell` pixels.

    Cut at a half, a soft edge stays where it is along a line but draws back at the tip of a narrow one: by 0.35
    cells at a width of 1.45 cells, by 0.1 at 2.2, measured on flat ends of known lines, between decoders without
    and with a softness of half a cell.
    """
    return 0.35 * cell * math.exp((1.45 - max(1.3, 2 * radius / cell)) / 0.65)


def fork(line: Points, others: Sequence[Points], node: Points, radius: float) -> Points:
    """Return the point, (2,) xy, where a line, carried straight on, meets one of `others`; `node` if none is near."""
    start, ahead = line[-1], heading(line, 2.0 * radius + 4.0)
    least = np.inf
    for other in others:
        edge, gap = np.diff(other, axis=0), other[:-1] - start
        cross = ahead[0] * edge[:, 1] - ahead[1] * edge[:, 0]
        cross[cross == 0] = 1e-12
        t = (gap[:, 0] * edge[:, 1] - gap[:, 1] * edge[:, 0]) / cross
        u = (gap[:, 0] * ahead[1] - gap[:, 1] * ahead[0]) / cross
        hit = t[(t >= 0) & (t < 4 * radius + 4) & (u >= 0) & (u <= 1)]
        least = min(least, float(hit.min(initial=np.inf)))
    return np.asarray(start + least * ahead) if np.isfinite(least) else np.asarray(node, np.float64)


def _reach(shape: Shape, start: Points, ahead: Points, radius: float) -> float:
    """Return how far the mask goes on, averaged over lanes."""
    steps = np.arange(0.0, 5 * radius + 6, _STEP)
    lanes = _LANES * max(0.5, 0.3 * radius)
    x = np.rint(start[0] + steps[:, None] * ahead[0] - lanes * ahead[1]).astype(np.intp)
    y = np.rint(start[1] + steps[:, None] * ahead[1] + lanes * ahead[0]).astype(np.intp)
    h, w = shape.bitmap.shape
    np.minimum(np.maximum(x, 0, out=x), w - 1, out=x)
    np.minimum(np.maximum(y, 0, out=y), h - 1, out=y)
    outside = np.cumsum(shape.bitmap[y, x] == 0, axis=0)
    ended = outside[_GAP:] - outside[:-_GAP] == _GAP
    first = np.where(ended.any(axis=0), ended.argmax(axis=0) + 1, len(steps))
    return max(0.0, float(first.mean()) * _STEP - _STEP / 2)


def _thin_reach(shape: Shape, start: Points, ahead: Points, radius: float) -> float | None:
    """Return how far the last pixel lies ahead, along a line so thin that a lane misses its steps."""
    size = 12
    x0, y0 = max(0, int(start[0]) - size), max(0, int(start[1]) - size)
    y, x = np.nonzero(shape.bitmap[y0 : y0 + 2 * size + 1, x0 : x0 + 2 * size + 1])
    dx, dy = x + (x0 - start[0]), y + (y0 - start[1])
    along, aside = dx * ahead[0] + dy * ahead[1], dy * ahead[0] - dx * ahead[1]
    along = np.sort(along[(np.abs(aside) < radius + 0.7 + 0.08 * np.abs(along)) & (along > -2)])
    if not along.size:
        return None
    ends = along[:-1][np.diff(along) > 1.6]
    ends = ends[ends >= -0.8]
    return max(0.0, float(ends[0] if ends.size else along[-1]) + _THIN_END)


def _to_frame(frame: Frame, start: Points, ahead: Points, reach: float, radius: float) -> float:
    """Take a line that ends beside the photograph's edge exactly to it."""
    edge = np.inf
    for axis in (0, 1):
        if abs(ahead[axis]) > 1e-9:
            side = frame[axis] if ahead[axis] < 0 else frame[axis + 2]
            edge = min(edge, max(0.0, (side - start[axis]) / ahead[axis]))
    return edge if edge < reach + 1.0 + 0.5 * radius else reach
