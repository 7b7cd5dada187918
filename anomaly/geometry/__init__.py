"""From a mask to numbers an engineer can act on: `measure(mask)`, pure.

The conventions, which the answers and the documentation repeat:

- **Coordinates**: x to the right, y downwards, pixel centres at whole numbers; the photograph reaches from -0.5 to
  width - 0.5. One pixel is a square of side 1.
- **Area**: the number of pixels that are set, exactly.
- **Kind**: a part of the mask is a `blob` when length^2 / area is under 5 (an ellipse: when its axes are under 5 to 1)
  and it fills more than 0.6 of its min-area rectangle, or when the largest disc in it is a third of its area; a short
  ribbon of even width that is bent stays a `line`.
  The mask is what the larger share of its area is.
- **Length**: of a line, the arc length of the centre line from tip to tip, summed over branches and parts. A branch
  begins on the centre line of what it leaves. A ring is measured once round. Of a blob, the long side of the
  min-area rectangle, summed over parts.
- **Width**: of a line, area / length; `width_p95_pixels` and `width_max_pixels` come from sections across the centre
  line, edge to edge, away from forks, corners and tips. Of a blob, the short side.
- **Orientation**: the angle of the principal axis (of the pixels; of the centre lines under 2 px of width) to the +x
  axis, in [0, 180) degrees, counter-clockwise as seen on the screen. 0 where there is no mask.
- **Branches**: the number of centre lines; 0 for a blob.
- A mask that runs out of the photograph is measured to the photograph's edge (`FrameEdges`); one that ends at a
  side of the array that is none ends there.
- Parts of one mask are measured one by one. Holes smaller than a quarter of the squared width, and crumbs beside a
  rough edge, are pixels to count and no lines to measure.
- Any content can be measured: an empty mask has length, width and area 0; in a mask that is nothing but noise,
  length and width are those of a rectangle with its second moments.
- A line that tapers to less than a pixel goes on through the dots ahead of its tip (`tail`), up to 10 px apart.
- **Uncertainty**: `*_pm` is one standard deviation of the step from the shape to the mask (`uncertainty`). Where the
  mask was decided on cells of `cell_pixels` > 1, the tips of a line are moved out by what such a mask lacks there, the
  width makes up for the area that is missing there too, and a width under 1.5 cells is None, with `width_reason`.
"""

from collections.abc import Iterable
from dataclasses import replace

import cv2
import numpy as np

from anomaly.errors import InvalidRequest
from anomaly.geometry.line import measure_part
from anomaly.geometry.measured import Measured, is_debris
from anomaly.geometry.moments import Moments, moments
from anomaly.geometry.parts import FrameEdges, Part, Parts, split
from anomaly.geometry.shape import Points
from anomaly.geometry.smoothing import resample
from anomaly.geometry.tail import is_dot, with_tails
from anomaly.geometry.uncertainty import area_pm, length_pm, width_pm, width_reason
from anomaly.geometry.width import spread
from anomaly.types import Bitmap, Geometry, Mask

__all__ = ["FrameEdges", "measure", "measure_mask"]

_WHOLE = FrameEdges()

_THIN = 2.0
"""Width under which pixels do not stand for area, and the orientation is the centre lines'."""

_MOST_STROKES = 150
"""As many centre lines are recentred; those of a web of more, the shortest, keep to the skeleton."""


def measure(mask: Bitmap, *, cell_pixels: float = 1.0, frame_edges: FrameEdges = _WHOLE) -> Geometry:
    """Measure `mask`, (H, W) bool, of any size and content; every number of the result is finite.

    `cell_pixels` is the side, in pixels, of a cell of the grid on which the mask was decided: 1 for a mask exact to
    the pixel. `frame_edges` are the sides of the array at which the photograph ends; by default all four. Centre
    lines are in the array's pixels. Raises `InvalidRequest` where `mask` has not two dimensions or
    `cell_pixels` is no positive number.
    """
    if not 0 < cell_pixels < np.inf:
        raise InvalidRequest(f"cell_pixels must be a positive number of pixels, not {cell_pixels}.")
    if mask.ndim != 2:
        raise InvalidRequest(f"A mask of shape {mask.shape} cannot be measured: expected (height, width).")
    bitmap = np.ascontiguousarray(mask, dtype=np.bool_).view(np.uint8)
    height, width = bitmap.shape
    x, y, w, h = cv2.boundingRect(bitmap) if bitmap.size else (0, 0, 0, 0)
    if w == 0:
        return Geometry(0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, kind="blob", branches=0)
    crop = np.ascontiguousarray(bitmap[y : y + h, x : x + w])
    m = moments(crop)
    edges = FrameEdges(
        frame_edges.left and x == 0,
        frame_edges.top and y == 0,
        frame_edges.right and x + w == width,
        frame_edges.bottom and y + h == height,
    )
    parts = split(crop, edges)
    if parts.noise:
        return _of_noise(m)
    dots = [part for part in parts.parts[1:] if is_dot(part)]
    found: list[Measured] = []

    def take(every: Iterable[Part]) -> None:
        for part in every:
            if not any(is_debris(part, other) for other in found):
                left = _MOST_STROKES - sum(len(other.lines) for other in found)
                found.append(measure_part(part, w, h, edges, cell_pixels, max(1, left), parts.frayed))

    take(part for part in parts.parts if not any(part is dot for dot in dots))
    found, dots = with_tails(found, dots)
    take(dots)
    return _summed(found, parts, m, np.array([x, y], np.float64), cell_pixels)


def measure_mask(mask: Mask, width: int, height: int) -> Geometry:
    """Measure the mask of one object in a photograph of `width` x `height` pixels.

    As `measure`, with centre lines in the photograph's pixels: the box of the mask says which of its sides are the
    photograph's edges. Raises as `measure` does.
    """
    h, w = mask.bitmap.shape
    edges = FrameEdges(mask.x <= 0, mask.y <= 0, mask.x + w >= width, mask.y + h >= height)
    local = measure(mask.bitmap, cell_pixels=mask.cell_pixels, frame_edges=edges)
    origin = np.array([mask.x, mask.y], np.float32)
    return replace(local, centre_lines=tuple(line + origin for line in local.centre_lines))


def _of_noise(m: Moments) -> Geometry:
    long, short = (float(np.sqrt(12 * variance + 1)) for variance in m.principal)
    return Geometry(
        m.area, long, short, m.orientation_degrees, short, short, long, short, kind="blob", branches=0
    )


def _summed(found: list[Measured], parts: Parts, m: Moments, origin: Points, cell: float) -> Geometry:
    blobs = [part for part in found if part.is_blob]
    blob_area = sum(part.area for part in blobs)
    is_blob = 2 * blob_area > sum(part.area for part in found)
    length = sum(part.length for part in found) + parts.specks_length
    area = m.area + sum(part.lost for part in found)
    width = sum(part.width * part.area for part in blobs) / blob_area if is_blob else area / length
    lines = [line for part in found for line in part.lines]
    pm = length_pm(found, width, cell)
    local = Geometry(
        area_pixels=m.area,
        length_pixels=length,
        width_pixels=None,
        orientation_degrees=m.orientation_degrees if width >= _THIN or is_blob else _direction(lines, m),
        length_pixels_pm=pm,
        width_reason=width_reason(width, cell),
        kind="blob" if is_blob else "line",
        branches=len(lines),
        centre_lines=tuple((line + origin).astype(np.float32) for line in lines),
        area_pixels_pm=area_pm(found, cell),
    )
    if local.width_reason is not None:
        return local
    p95, widest = (width, width) if is_blob else spread([part.widths for part in found], width)
    return replace(
        local,
        width_pixels=width,
        width_p95_pixels=p95,
        width_max_pixels=widest,
        width_pixels_pm=width_pm(found, is_blob, length, width, cell),
    )


def _direction(lines: list[Points], m: Moments) -> float:
    """Return the principal axis of centre lines, degrees as in `Moments`.

    Of a line one pixel wide, the diagonal stretches have fewer pixels for their length than the others.
    """
    even = np.vstack([resample(line, 1.0)[0] for line in lines]) if lines else np.empty((0, 2))
    if len(even) < 3:
        return m.orientation_degrees
    centred = even - even.mean(axis=0)
    xx, yy, xy = (float(centred[:, i] @ centred[:, j]) for i, j in ((0, 0), (1, 1), (0, 1)))
    return Moments(m.area, xx, yy, xy).orientation_degrees
