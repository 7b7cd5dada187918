"""One part of a mask measured: as a line with centre lines, or as a blob with two sides."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from anomaly.geometry.axis import CentreLine, Forks, centre_line, finish
from anomaly.geometry.blob import sides
from anomaly.geometry.parts import FrameEdges, Part
from anomaly.geometry.shape import Points, Shape, frame_of
from anomaly.geometry.skeleton import FREE, Graph, trace
from anomaly.geometry.smoothing import arc_length, resample
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

_CRUMB = 0.7
"""A part is a crumb of another's edge up to this share of its width, at a distance of up to as much of half of it."""

_TAPERS = 0.008
"""Pixels of width lost per pixel of length from which on a line tapers."""

_THIN_CELLS = 1.5
"""Cells of width under which the end of a tapering line may lack what the grid did not show."""

_THIN_TO = 5.0
"""Width in pixels to which a part is shrunk before it is thinned: thinning costs width times area."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One part. `grown` is how much of the length a coarse mask lacks at its tips, pixels; the width is area / the
    length without it. `lines` are its centre lines, (N, 2) xy in the mask's pixels, empty for a blob; `widths` (M,)
    those of the sections. What the uncertainty needs: `tips` counts free ends, `tails` is how much of tapering
    ends the grid of the mask may have hidden, `noise` the deviation of the centre lines, pixels, and `turning`
    how much they turn in all, radians; `thinnest` is the width of the thinnest twentieth."""

    is_blob: bool
    area: int
    length: float
    width: float
    grown: float = 0.0
    lines: tuple[Points, ...] = ()
    widths: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    tips: int = 0
    tails: float = 0.0
    turning: float = 0.0
    noise: float = 0.3
    thinnest: float = np.inf


def measure_part(
    part: Part, width: int, height: int, edges: FrameEdges, cell: float, most_strokes: int
) -> Measured:
    """Measure one part of a mask of `width` x `height` pixels; `edges` are the sides where the photograph ends.

    `cell` is the side of a cell of the mask's own grid in pixels, 1 for a mask exact to the pixel. The longest
    `most_strokes` strokes are recentred one by one, the rest measured along the skeleton.
    """
    long, short, ellipse = sides(part)
    as_blob = Measured(True, part.area, long, short)
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
    grown = 0.0
    for stroke, line in zip(found, rough, strict=False):
        if graph.closed:
            lines.append(np.vstack([line.points, line.points[:1]]))
        else:
            points, more = finish(shape, line, stroke, forks, through, cell)
            lines.append(points)
            grown += more
    lines += [stroke.points[::4].astype(np.float64) for stroke in found[most_strokes:]]
    length = float(sum(arc_length(line)[-1] for line in lines))
    if length <= 0:
        return as_blob
    origin = np.array([part.x, part.y], np.float64)
    return Measured(
        is_blob=False,
        area=part.area,
        length=length,
        width=part.area / (length - grown),
        grown=grown,
        lines=tuple(line + origin for line in lines),
        widths=np.concatenate([line.widths for line in rough]),
        tips=0 if graph.closed else sum((s.start == FREE) + (s.end == FREE) for s in found),
        tails=sum(_tails(line, cell) for line in rough),
        turning=sum(_turning(line, 4 * line.radius + 2 * cell) for line in rough),
        noise=max(line.noise for line in rough),
        thinnest=_thinnest(rough),
    )


def is_debris(part: Part, line: Measured) -> bool:
    """Say whether `part` is a crumb of the rough edge of a wider line beside it, which has no length of its own."""
    reach = line.width / 2
    size = part.contour.max(axis=0) - part.contour.min(axis=0) + 1
    if line.is_blob or size.max() > _CRUMB * line.width:
        return False
    centre = part.contour.mean(axis=0) + np.array([part.x, part.y])
    for points in line.lines:
        even, _ = resample(points, 2.0)
        apart = even - centre
        nearest = int(np.argmin((apart * apart).sum(axis=1)))
        if np.hypot(*apart[nearest]) > (1 + _CRUMB) * reach + size.max() / 2:
            continue
        if 0 < nearest < len(even) - 1:
            return True
        inner = 1 if nearest == 0 else -2
        along = even[nearest] - even[inner]
        aside = apart[nearest, 0] * along[1] - apart[nearest, 1] * along[0]
        if abs(aside) > reach / 2 * np.hypot(*along):  # beside the end, not ahead of it
            return True
    return False


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
        if slope > _TAPERS:
            total += min(1.0, max(0.0, 2.0 * (_THIN_CELLS - last / cell))) * cell / slope
    return total


def _thinnest(lines: Sequence[CentreLine]) -> float:
    """Return the width that only a twentieth of the sections fall under, pixels."""
    widths = np.sort(np.concatenate([line.widths for line in lines]))
    return float(widths[len(widths) // 20]) if widths.size else np.inf


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
