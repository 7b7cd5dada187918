"""The dotted tail of a line that tapers away: single pixels in a row, which carry it on."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from anomaly.geometry.measured import Measured
from anomaly.geometry.parts import Part
from anomaly.geometry.shape import Points
from anomaly.geometry.tips import heading

_LARGEST = 24
"""Pixels of a dot at the most, and ..."""

_THIN = 1.6
"""... as many per pixel of its extent: it is about one pixel wide."""

_TAPERED = 2.5
"""Pixels of width under which a line is thin enough to go on in dots."""

_GAP = 10.0
"""Pixels between a tip and a dot: a line narrower than a pixel misses that many pixel centres where it runs nearly
along the grid."""

_ASIDE, _BEND = 1.0, 0.2
"""Pixels, and pixels per pixel of gap, by which a dot may lie beside the line carried straight on."""

_BACK = 16.0
"""Pixels over which a line's direction at its tip is taken."""

_HALF = 0.45
"""How far the end of a line one pixel wide lies beyond the centre of its last pixel, on average."""


def is_dot(part: Part) -> bool:
    """Say whether a part is small and thin enough to be a dot of a tail."""
    extent = part.contour.max(axis=0) - part.contour.min(axis=0) + 1
    return bool(part.area <= min(_LARGEST, _THIN * extent.max()))


def with_tails(lines: Sequence[Measured], dots: Sequence[Part]) -> tuple[list[Measured], list[Part]]:
    """Carry `lines` on through the `dots` ahead of their tips; return them, and the dots that are of none."""
    left = list(dots)
    carried = []
    for line in lines:
        area, grown, longer = line.area, 0.0, []
        for points in line.lines if line.thinnest < _TAPERED else ():
            for _ in range(2):  # the first turn carries on the end, the second the start
                onwards, used = _tail(points, left)
                left = [dot for dot in left if not any(dot is each for each in used)]
                area += sum(dot.area for dot in used)
                points = np.vstack([points, *onwards])[::-1]
                grown += float(np.hypot(*np.diff(points[: len(onwards) + 1], axis=0).T).sum())
            longer.append(points)
        if area > line.area:
            line = replace(
                line,
                area=area,
                length=line.length + grown,
                width=(area + line.lost) / (line.length + grown),
                lines=tuple(longer),
            )
        carried.append(line)
    return carried, left


def _tail(points: Points, dots: Sequence[Part]) -> tuple[list[Points], list[Part]]:
    """Return the points, (1, 2) each, by which dots carry on a line from its last point, and these dots."""
    onwards: list[Points] = []
    used: list[Part] = []
    line = points
    while len(used) < len(dots) and len(line) > 1:
        ahead, nearest, found = heading(line, _BACK), _GAP, None
        for dot in dots:
            if any(dot is each for each in used):
                continue
            apart = dot.contour + np.array([dot.x, dot.y], np.float64) - line[-1]
            along, aside = apart @ ahead, apart[:, 0] * ahead[1] - apart[:, 1] * ahead[0]
            gap = float(along.min()) - _HALF
            if -1.0 < gap < nearest and np.abs(aside).max() < _ASIDE + _BEND * float(along.max()):
                nearest, found = gap, (dot, apart[int(np.argmax(along))])
        if found is None:
            break
        used.append(found[0])
        onwards.append((line[-1] + found[1] + _HALF * ahead)[None])
        line = np.vstack([line, onwards[-1]])
    return onwards, used
