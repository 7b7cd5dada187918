"""One part of a mask measured: as a line with centre lines, or as a blob with two sides."""

import math
from collections.abc import Sequence

import cv2
import numpy as np

from anomaly.geometry.axis import CentreLine, Forks, centre_line, finish
from anomaly.geometry.blob import BLUR_CELLS, sides
from anomaly.geometry.measured import Measured
from anomaly.geometry.parts import FrameEdges, Part
from anomaly.geometry.shape import Points, Shape, frame_of
from anomaly.geometry.skeleton import FREE, Graph, trace
from anomaly.geometry.smoothing import arc_length
from anomaly.geometry.strokes import fork_radii, strokes

_SLENDER = 5.0
"""A part is a line from this ratio of length to width on."""

_FILLED = 0.6
"""A part that fills less of its min-area rectangle is a line at any ratio."""

_FULL = 0.92
"""One that fills more is as good as the rectangle."""

_ONE_DISC = 1 / 3
"""A part of which the largest disc in it is a larger share is a blob, however ragged its outline."""

_BENT = 0.93
"""A compact part may be a short bent line when its length at its greatest width is at least this much of the
rectangle's, and ..."""

_EVEN = 0.12
"""... its widths vary by no more than this share of their mean."""

_TAPERS = 0.008
"""Pixels of width lost per pixel of length from which on a line tapers."""

_THIN_CELLS = 1.5
"""Cells of width under which the end of a tapering line may lack what the grid did not show."""

_FADES, _FADES_WITHIN = 0.9, 0.4
"""Cells of width at its last point up to which a line is as likely as not to go on, and over how many that fades."""

_THIN_TO = 5.0
"""Width in pixels to which a part is shrunk before it is thinned: thinning costs width times area."""


_LOST_CELLS = 0.5 * math.pi * BLUR_CELLS
"""Square cells by which cutting a soft edge at a half takes area from each tip of a line, round or flat: an outline
that turns by t loses t / 2 times the variance of the blur (mean curvature flow)."""

_LOST_THIN = 0.8
"""By how much more in a line of 1.5 cells, less by a factor of e for each 0.8 cells beyond."""


def measure_part(
    part: Part,
    width: int,
    height: int,
    edges: FrameEdges,
    cell: float,
    most_strokes: int,
    frayed: bool = False,
) -> Measured:
    """Measure one part of a mask of `width` x `height` pixels; `edges` are the sides where the photograph ends.

    `cell` is the side of a cell of the mask's own grid in pixels, 1 for a mask exact to the pixel. The longest
    `most_strokes` strokes are recentred one by one, the rest measured along the skeleton. `frayed` says that the
    part was smoothed before.
    """
    long, short, ellipse, known, across_grid = sides(part, cell, frayed)
    as_blob = Measured(True, part.area, long, short, across_grid=across_grid, frayed=frayed, known=known)
    if part.area < 4:
        return as_blob
    filled = part.area / (long * short)
    compact = filled > _FILLED and (
        long * long < _SLENDER * part.area or (ellipse and long < _SLENDER * short)
    )
    if compact and (ellipse or filled > _FULL):
        return as_blob
    shape = Shape.of(part, frame_of(part, width, height, edges))
    if np.pi * float(shape.distance.max()) ** 2 > _ONE_DISC * part.area:
        return as_blob
    if compact and part.area < _BENT * long * (2 * float(shape.distance.max()) - 1):
        return as_blob
    graph = _skeleton(shape)
    radii = fork_radii(graph, shape)
    forks = Forks(graph.nodes.astype(np.float64), radii)
    found = strokes(graph, shape, radii)
    if compact and len(found) != 1:
        return as_blob
    found.sort(key=lambda stroke: -len(stroke.points))
    rough = [centre_line(shape, stroke, forks, graph.closed, cell) for stroke in found[:most_strokes]]
    if compact and not _is_even(rough[0]):
        return as_blob
    through: dict[int, list[Points]] = {}
    for stroke, line in zip(found, rough, strict=False):
        for node in stroke.through:
            through.setdefault(node, []).append(line.points)
    lines: list[Points] = []
    leaves = 0
    for stroke, line in zip(found, rough, strict=False):
        if graph.closed:
            lines.append(np.vstack([line.points, line.points[:1]]))
        else:
            points, more = finish(shape, line, stroke, forks, through, cell)
            lines.append(points)
            leaves += more
    lines += [stroke.points[::4].astype(np.float64) for stroke in found[most_strokes:]]
    length = float(sum(arc_length(line)[-1] for line in lines))
    if length <= 0:
        return as_blob
    origin = np.array([part.x, part.y], np.float64)
    lost = _lost(part, length, leaves, cell)
    return Measured(
        is_blob=False,
        area=part.area,
        length=length,
        width=(part.area + lost) / length,
        lost=lost,
        lines=tuple(line + origin for line in lines),
        widths=np.concatenate([line.widths for line in rough]),
        tips=0 if graph.closed else sum((s.start == FREE) + (s.end == FREE) for s in found) - leaves,
        leaves=leaves,
        tails=sum(_tails(line, cell) for line in rough),
        turning=sum(_turning(line, 4 * line.radius + 2 * cell) for line in rough),
        noise=max(line.noise for line in rough),
        slack=sum(line.slack for line in rough),
        thinnest=_thinnest(rough),
        across_grid=_across_grid(np.vstack(lines)),
        frayed=frayed,
    )


def _lost(part: Part, length: float, leaves: int, cell: float) -> float:
    """Return the area that a mask decided on cells of `cell` pixels lacks, where `leaves` ends leave the photograph."""
    if cell <= 1.0:
        return 0.0
    tips = 2 * (1 - part.holes) - leaves  # a branch adds a tip, and a fork, which gains what a tip loses
    thin = 1 + _LOST_THIN * math.exp(min(0.0, 1.5 - part.area / length / cell) / 0.8)
    return max(-0.3, min(0.3, _LOST_CELLS * cell * cell * tips * thin / part.area)) * part.area


def _is_even(line: CentreLine) -> bool:
    return line.widths.size >= 5 and float(np.std(line.widths)) <= _EVEN * float(np.mean(line.widths))


def _tails(line: CentreLine, cell: float) -> float:
    """Return how long the stretches are in which tapering ends lose one cell of width, pixels.

    Only ends that are thin already count: beyond them, what is thinner than the mask's grid is not in the mask.
    """
    count = len(line.widths) // 4
    if count < 3:
        return 0.0
    total = 0.0
    for widths in (line.widths[: 2 * count], line.widths[: -2 * count - 1 : -1]):
        end, inner = float(widths[:count].mean()), float(widths[count:].mean())
        slope = (inner - end) / (count * line.step)
        last = end - 0.5 * (inner - end)
        if slope > _TAPERS and last < 2 * _THIN_CELLS * cell:
            total += min(1.0, math.exp((_FADES - last / cell) / _FADES_WITHIN)) * cell / slope
    return total


def _thinnest(lines: Sequence[CentreLine]) -> float:
    """Return the width that only a twentieth of the sections fall under, pixels."""
    widths = np.sort(np.concatenate([line.widths for line in lines]))
    return float(widths[len(widths) // 20]) if widths.size else np.inf


def _across_grid(points: Points) -> float:
    """Return the least extent of points (N, 2) across a row, a column or a diagonal of pixels, pixels."""
    directions = np.array([[1.0, 0.0, 0.5**0.5, 0.5**0.5], [0.0, 1.0, 0.5**0.5, -(0.5**0.5)]])
    return float(np.ptp(points @ directions, axis=0).min())


def _turning(line: CentreLine, step: float) -> float:
    """Return by how much a line turns in all, radians, told at points `step` pixels apart."""
    points = line.points[:: max(1, round(step / line.step))]
    leg = np.diff(points, axis=0)
    if len(leg) < 2:
        return 0.0
    cross = leg[:-1, 0] * leg[1:, 1] - leg[:-1, 1] * leg[1:, 0]
    return float(np.abs(np.arctan2(cross, (leg[:-1] * leg[1:]).sum(axis=1))).sum())


def _skeleton(shape: Shape) -> Graph:
    """Trace the skeleton of a shape, shrunk as far as that loses nothing of it."""
    factor = int(shape.mean_width / _THIN_TO)
    h, w = shape.image.shape
    while factor > 1:
        rows, columns = -(-h // factor), -(-w // factor)
        padded = cv2.copyMakeBorder(
            shape.image, 0, rows * factor - h, 0, columns * factor - w, cv2.BORDER_CONSTANT, value=0
        )
        share = cv2.resize(padded, (columns, rows), interpolation=cv2.INTER_AREA)
        share = cv2.copyMakeBorder(share, 2, 2, 2, 2, cv2.BORDER_CONSTANT, value=0)
        small = (share > 127).view(np.uint8)
        lost = (share > 0) & (cv2.dilate(small, np.ones((3, 3), np.uint8)) == 0)
        outlines, _ = cv2.findContours(small, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
        if not lost.any() and len(outlines) == 1 + shape.holes:
            return trace(small).scaled(factor, (factor - 1) / 2 - 2 * factor)
        factor //= 2
    return trace(shape.bitmap)
