"""One part of a mask measured: as a line with centre lines, or as a blob with two sides."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from anomaly.geometry.axis import CentreLine, Forks, centre_line, finish
from anomaly.geometry.blob import sides
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

_BENT = 0.93
"""A compact part may be a short bent line when its length at its greatest width is at least this much of the
rectangle's, and ..."""

_EVEN = 0.12
"""... its widths vary by no more than this share of their mean."""

_THIN_TO = 5.0
"""Width in pixels to which a part is shrunk before it is thinned: thinning costs width times area."""

_MOST_STROKES = 150
"""As many strokes are recentred one by one; a web of more is measured along its skeleton."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One part. `lines` are its centre lines, (N, 2) xy in the mask's pixels, empty for a blob; `widths` (M,)
    those of the sections; `tips` counts free ends; `noise` is the centre line's, pixels."""

    is_blob: bool
    area: int
    length: float
    width: float
    lines: tuple[Points, ...] = ()
    widths: NDArray[np.float64] | None = None
    tips: int = 0
    noise: float = 0.3


def measure_part(part: Part, width: int, height: int, edges: FrameEdges) -> Measured:
    """Measure one part of a mask of `width` x `height` pixels; `edges` are the sides where the photograph ends."""
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
    if compact and part.area < _BENT * long * (2 * float(shape.distance.max()) - 1):
        return as_blob
    graph = _skeleton(shape)
    radii = fork_radii(graph, shape)
    forks = Forks(graph.nodes.astype(np.float64), radii)
    found = strokes(graph, shape, radii)
    if compact and len(found) != 1:
        return as_blob
    found.sort(key=lambda stroke: -len(stroke.points))
    rough = [centre_line(shape, stroke, forks, graph.closed) for stroke in found[:_MOST_STROKES]]
    if compact and not _is_even(rough[0]):
        return as_blob
    lines: list[Points] = []
    for i, (stroke, line) in enumerate(zip(found, rough, strict=False)):
        if graph.closed:
            lines.append(np.vstack([line.points, line.points[:1]]))
        else:
            others = [other.points for k, other in enumerate(rough) if k != i]
            lines.append(finish(shape, line, stroke, forks, others))
    lines += [stroke.points[::4].astype(np.float64) for stroke in found[_MOST_STROKES:]]
    length = float(sum(arc_length(line)[-1] for line in lines))
    if length <= 0:
        return as_blob
    origin = np.array([part.x, part.y], np.float64)
    return Measured(
        is_blob=False,
        area=part.area,
        length=length,
        width=part.area / length,
        lines=tuple(line + origin for line in lines),
        widths=np.concatenate([line.widths for line in rough]),
        tips=0 if graph.closed else sum((s.start == FREE) + (s.end == FREE) for s in found),
        noise=max(line.noise for line in rough),
    )


def _is_even(line: CentreLine) -> bool:
    return line.widths.size >= 5 and float(np.std(line.widths)) <= _EVEN * float(np.mean(line.widths))


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
