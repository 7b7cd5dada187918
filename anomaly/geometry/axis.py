"""From a stroke of skeleton pixels to a centre line: recentred between the edges, smoothed, ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from anomaly.geometry.sections import Sections, cut
from anomaly.geometry.shape import Points, Shape
from anomaly.geometry.skeleton import FREE
from anomaly.geometry.smoothing import arc_length, resample, slack, smooth, whittaker
from anomaly.geometry.strokes import Stroke
from anomaly.geometry.tips import drawn_back, fork, heading, tip

_TRIM = 1.45
"""Radii at a tip in which thinning bends a skeleton into a corner, which lies sqrt 2 radii from the middle."""

_STUB = 0.25
"""Share of the way from a tip to the first fork that is trimmed at most, so that a stub keeps its direction."""

_FORK = 1.2
"""Radii round a fork in which a branch is bent towards it."""

_BULGE = 1.04
_BULGE_PIXELS = 0.4
"""A section wider than those a width before and after by this is no section but a corner or a fork."""


_STRETCH = 8.0
"""Pixels, and a quarter of the width, along a line over which widths are averaged."""

_LARGEST = 3.0
"""So is one wider than this many times the distance to the nearest edge: it runs along another line."""


@dataclass(frozen=True, slots=True)
class CentreLine:
    """`points` (N, 2) xy from end to end; `widths` (M,) those of the sections across it, `step` pixels apart;
    `noise` the standard deviation of the line before it was smoothed, `radius` half the usual width, `slack` the
    length, pixels, of bends that may be no bends."""

    points: Points
    widths: NDArray[np.float64]
    step: float
    noise: float
    radius: float
    slack: float


@dataclass(frozen=True, slots=True)
class Forks:
    """The forks of a skeleton: `nodes` (M, 2) xy and the radius of the disc at each, pixels."""

    nodes: Points
    radii: Sequence[float]


def centre_line(shape: Shape, stroke: Stroke, forks: Forks, closed: bool, cell: float) -> CentreLine:
    """Return the centre line of one stroke, its free ends not yet at their tips (`finish` takes them there).

    Twice, the line is cut across and moved to the middle between the edges; where a section shows no
    width (corners, forks, the photograph's edge) the line is carried on from both sides.
    """
    radii = shape.radii(stroke.points).astype(np.float64)
    radius = max(0.7, float(np.median(radii)))
    widest = max(radius, float(np.sort(radii)[int(0.95 * (len(radii) - 1))]))
    line = _trimmed(stroke, radii, radius, forks, closed)
    line, step = resample(line, max(1.0, shape.mean_width / 12))
    line = whittaker(line, max(2.0, 0.6 * radius) / step)
    widths = np.empty(0)
    for turn in (0, 1):
        blind = [(forks.nodes[n], 1.3 * forks.radii[n] + 1.0) for n in stroke.through]
        if turn == 1 and not closed:
            line, step, tips = _carried_on(shape, line, stroke, radius, step)
            blind += tips
        if len(line) < 4:
            break
        found = _recentred(shape, line, step, radius, widest, blind, one_sided=turn == 1)
        if found is None:
            break
        line, widths = found
        line, step = resample(line, step)
        if turn == 0:
            line = whittaker(line, max(2.0, 0.5 * radius) / step)
    noise = _noise(widths, radius, step)
    if widths.size:  # edges lie between pixels by chance: what a stretch agrees on is the width
        stretch = max(1, round((_STRETCH + 0.5 * radius) / step)) | 1
        even = cv2.blur(widths.reshape(-1, 1), (1, stretch), borderType=cv2.BORDER_REPLICATE)
        widths = np.asarray(even, np.float64).reshape(-1)
    line = smooth(line, step, radius, noise, cell)
    return CentreLine(line, widths, step, noise, radius, slack(line, step, radius))


def finish(
    shape: Shape,
    line: CentreLine,
    stroke: Stroke,
    forks: Forks,
    through: Mapping[int, Sequence[Points]],
    cell: float,
) -> tuple[Points, int]:
    """Return the centre line (N, 2) from tip to tip, and how many of its ends leave the photograph.

    A branch begins on one of the lines `through` its fork. `cell` is the side of a cell of the mask's own grid.
    """
    points, leaves = line.points, 0
    radius = max(0.7, float(np.median(line.widths)) / 2) if line.widths.size else line.radius
    for node in (stroke.end, stroke.start):  # the first turn ends at the end, the second at the start
        if node == FREE:
            if shape.frame is not None:
                held = np.flatnonzero(shape.frame.holds(points, 0.0))
                points = points[: held[-1] + 1] if held.size > 1 else points
            end = tip(shape, points, radius)
            if shape.frame is not None and not shape.frame.holds(end[None], 0.5 * cell)[0]:
                leaves += 1
            elif cell > 1.0:
                ahead = heading(np.vstack([points, end]), 2.0 * radius + 4.0)
                end = end + drawn_back(radius, cell) * ahead
        else:
            end = fork(points, through.get(node, ()), forks.nodes[node], forks.radii[node])
        points = np.vstack([points, end])[::-1]
    return points, leaves


def _trimmed(stroke: Stroke, radii: NDArray[np.float64], radius: float, forks: Forks, closed: bool) -> Points:
    points = stroke.points.astype(np.float64)
    if closed:
        return np.vstack([points, points[:1]])
    at = arc_length(points)
    keep = np.ones(len(points), np.bool_)
    through = [int(np.argmin(((points - forks.nodes[n]) ** 2).sum(axis=1))) for n in stroke.through]
    for node, away in ((stroke.start, at), (stroke.end, at[-1] - at)):
        if node == FREE:
            reach = _TRIM * radii[away <= 2 * np.maximum(radii, radius)].max()
            keep &= away >= min([reach, *(_STUB * away[i] for i in through)])
        else:
            apart = points - forks.nodes[node]
            keep &= np.hypot(apart[:, 0], apart[:, 1]) >= _FORK * forks.radii[node]
    kept = np.flatnonzero(keep)
    if kept.size < 3 or at[kept[-1]] - at[kept[0]] < max(3.0, radius):
        return points
    return points[keep]


def _carried_on(
    shape: Shape, line: Points, stroke: Stroke, radius: float, step: float
) -> tuple[Points, float, list[tuple[Points, float]]]:
    """Take the free ends to their tips, and over the photograph's edge where they leave it."""
    tips = []
    for node in (stroke.end, stroke.start):
        if node == FREE:
            end = tip(shape, line, radius)
            near = max(0.7, shape.radius(line[-1]))
            if shape.frame is not None and not shape.frame.holds(end[None], 1.5 * radius + 1)[0]:
                onwards = end - line[-1]
                onwards = onwards / max(float(np.hypot(onwards[0], onwards[1])), 1e-9)
                line = np.vstack([line, end, end + radius * onwards])
            else:
                tips.append((end, 0.5 * near + 0.5))
                line = np.vstack([line, end])
        line = line[::-1]
    line, step = resample(line, step)
    return line, step, tips


def _recentred(
    shape: Shape,
    line: Points,
    step: float,
    radius: float,
    widest: float,
    blind: Sequence[tuple[Points, float]],
    one_sided: bool,
) -> tuple[Points, NDArray[np.float64]] | None:
    """Move each point to the middle between the edges: (points, widths), or None with too few sections.

    Points in a `blind` disc (centre, radius) are left out. With `one_sided`, half the width measured nearby
    stands in where one of the two edges lies beyond the photograph.
    """
    sections = cut(shape, line, step, widest)
    both = sections.has_left & sections.has_right
    for centre, reach in blind:
        both &= np.hypot(line[:, 0] - centre[0], line[:, 1] - centre[1]) > reach
    widths = sections.left + sections.right
    k = max(1, round(2 * radius / step))
    flanks = np.concatenate([np.full(k, widths[0]), widths, np.full(k, widths[-1])])
    both &= widths < _BULGE * np.maximum(flanks[: -2 * k], flanks[2 * k :]) + _BULGE_PIXELS
    h, w = shape.distance.shape
    inscribed = shape.radii(np.minimum(np.maximum(line, 0.0), (w - 1.0, h - 1.0)))
    both &= widths < _LARGEST * inscribed + 2.0
    count = int(np.count_nonzero(both))
    if count < 4:
        return None
    shift = (sections.right - sections.left) / 2
    usable = both
    if one_sided and shape.frame is not None and count > 0.3 * len(line):
        shift, usable = _with_one_edge(sections, both, widths, shift)
    moved = line + sections.normal * shift[:, None]
    return _bridged(moved, usable, radius, step), widths[both]


def _with_one_edge(
    sections: Sections, both: NDArray[np.bool_], widths: NDArray[np.float64], shift: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    half = np.interp(np.arange(len(widths)), np.flatnonzero(both), widths[both] / 2)
    only_right, only_left = sections.has_right & ~sections.has_left, sections.has_left & ~sections.has_right
    shift = np.where(only_right, sections.right - half, np.where(only_left, half - sections.left, shift))
    return shift, both | only_right | only_left


def _bridged(points: Points, usable: NDArray[np.bool_], radius: float, step: float) -> Points:
    """Leave out the points that are not usable; where the line turns sharply over a gap, put the corner in."""
    index = np.flatnonzero(usable)
    gaps = np.flatnonzero(np.diff(index) > 1)
    if not gaps.size:
        return points[index]
    back = max(2, round(2.0 * radius / step))
    p, q = points[index[gaps]], points[index[gaps + 1]]
    u = p - points[index[np.maximum(gaps - back, 0)]]
    v = points[index[np.minimum(gaps + 1 + back, len(index) - 1)]] - q
    u /= np.maximum(np.hypot(u[:, 0], u[:, 1]), 1e-9)[:, None]
    v /= np.maximum(np.hypot(v[:, 0], v[:, 1]), 1e-9)[:, None]
    cross, d = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0], q - p
    turns = np.abs(cross) >= 0.2
    cross[~turns] = 1.0
    ahead = (d[:, 0] * v[:, 1] - d[:, 1] * v[:, 0]) / cross
    behind = (d[:, 1] * u[:, 0] - d[:, 0] * u[:, 1]) / cross
    turns &= (ahead > 0) & (ahead < 4 * radius) & (behind > 0) & (behind < 4 * radius)
    if not turns.any():
        return points[index]
    corners = (p + ahead[:, None] * u)[turns]
    return np.insert(points[index], gaps[turns] + 1, corners, axis=0)


def _noise(widths: NDArray[np.float64], radius: float, step: float) -> float:
    """Return the standard deviation of the centre line, pixels, told from how the width varies.

    Edges that are rough each for itself move the middle by half of what they move the width.
    """
    k = max(3, int(2 * radius / step)) | 1
    if len(widths) <= k:
        return 0.3
    trend = cv2.blur(widths.reshape(-1, 1), (1, k), borderType=cv2.BORDER_REFLECT)[:, 0]
    return float(np.std(widths - trend)) / 2
