"""From a mask to numbers an engineer can use."""

from dataclasses import replace

import cv2
import numpy as np

from anomaly.errors import InvalidRequest
from anomaly.geometry.line import Measured, measure_part
from anomaly.geometry.moments import Moments, moments
from anomaly.geometry.parts import FrameEdges, Parts, split
from anomaly.types import Bitmap, Geometry, Mask

__all__ = ["FrameEdges", "measure", "measure_mask"]

_WHOLE = FrameEdges()


def measure(mask: Bitmap, *, cell_pixels: float = 1.0, frame_edges: FrameEdges = _WHOLE) -> Geometry:
    """Measure `mask`, (H, W) bool; never fails on any content, and every number is finite.

    Raises `InvalidRequest` where `mask` has not two dimensions.
    """
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
    found = [measure_part(part, w, h, edges) for part in parts.parts]
    return _summed(found, parts, m, np.array([x, y], np.float64))


def measure_mask(mask: Mask, width: int, height: int) -> Geometry:
    """Measure a box-local mask of a photograph of `width` x `height` pixels, in its coordinates."""
    h, w = mask.bitmap.shape
    edges = FrameEdges(mask.x <= 0, mask.y <= 0, mask.x + w >= width, mask.y + h >= height)
    local = measure(mask.bitmap, cell_pixels=mask.cell_pixels, frame_edges=edges)
    origin = np.array([mask.x, mask.y], np.float32)
    return replace(local, centre_lines=tuple(line + origin for line in local.centre_lines))


def _of_noise(m: Moments) -> Geometry:
    long, short = (float(np.sqrt(12 * variance + 1)) for variance in m.principal)
    return Geometry(
        m.area, long, short, m.orientation_degrees, short, short, 1.0, 1.0, kind="blob", branches=0
    )


def _summed(found: list[Measured], parts: Parts, m: Moments, origin: np.ndarray) -> Geometry:
    is_blob = 2 * sum(part.area for part in found if part.is_blob) > sum(part.area for part in found)
    length = sum(part.length for part in found) + parts.specks_length
    if is_blob:
        width = sum(part.width * part.area for part in found) / sum(part.area for part in found)
        p95 = widest = width
    else:
        width = m.area / length
        widths = np.sort(np.concatenate([part.widths for part in found if part.widths is not None]))
        if not widths.size:
            widths = np.array([width])
        p95, widest = max(width, float(np.percentile(widths, 95))), max(width, float(widths[-1]))
    return Geometry(
        area_pixels=m.area,
        length_pixels=length,
        width_pixels=width,
        orientation_degrees=m.orientation_degrees,
        width_p95_pixels=p95,
        width_max_pixels=widest,
        length_pixels_pm=0.5,
        width_pixels_pm=0.5,
        kind="blob" if is_blob else "line",
        branches=sum(len(part.lines) for part in found),
        centre_lines=tuple((line + origin).astype(np.float32) for part in found for line in part.lines),
    )
