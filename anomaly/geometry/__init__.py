"""From a mask to numbers an engineer can use."""

from dataclasses import replace

import cv2
import numpy as np

from anomaly.errors import InvalidRequest
from anomaly.geometry.axis import centre_lines, length
from anomaly.geometry.parts import FrameEdges, Part, split
from anomaly.geometry.skeleton import trace
from anomaly.types import Bitmap, Geometry, Mask, Polyline

__all__ = ["FrameEdges", "measure", "measure_mask"]


def measure(mask: Bitmap, *, cell_pixels: float = 1.0, frame_edges: FrameEdges = FrameEdges()) -> Geometry:  # noqa: B008 - immutable
    """Measure `mask`, (H, W) bool; never fails on any content, and every number is finite.

    Raises `InvalidRequest` where `mask` has not two dimensions.
    """
    if mask.ndim != 2:
        raise InvalidRequest(f"A mask of shape {mask.shape} cannot be measured: expected (height, width).")
    bitmap = np.ascontiguousarray(mask, dtype=np.bool_).view(np.uint8)
    x, y, w, h = cv2.boundingRect(bitmap) if bitmap.size else (0, 0, 0, 0)
    if w == 0:
        return Geometry(0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, kind="blob", branches=0)
    crop = np.ascontiguousarray(bitmap[y : y + h, x : x + w])
    moments = cv2.moments(crop, binaryImage=True)
    area = round(moments["m00"])
    orientation = float(
        np.degrees(0.5 * np.arctan2(-2 * moments["mu11"], moments["mu20"] - moments["mu02"])) % 180.0
    )
    if orientation >= 180.0:
        orientation = 0.0
    total, breadth, blob_area, branches = 0.0, 0.0, 0, 0
    lines: list[Polyline] = []
    for part in split(crop):
        kind, part_lines, part_length, part_width = _measure_part(part)
        total += part_length
        breadth += part_width * part.area
        branches += len(part_lines)
        if kind == "blob":
            blob_area += part.area
        lines += [line + np.array([part.x + x, part.y + y], np.float32) for line in part_lines]
    is_blob = 2 * blob_area > area
    width = breadth / area if is_blob else area / total
    return Geometry(
        area_pixels=area,
        length_pixels=total,
        width_pixels=width,
        orientation_degrees=orientation,
        width_p95_pixels=width,
        width_max_pixels=width,
        length_pixels_pm=0.5,
        width_pixels_pm=0.5,
        kind="blob" if is_blob else "line",
        branches=branches,
        centre_lines=tuple(lines),
    )


def measure_mask(mask: Mask, width: int, height: int) -> Geometry:
    """Measure a box-local mask of a photograph of `width` x `height` pixels, in its coordinates."""
    h, w = mask.bitmap.shape
    edges = FrameEdges(mask.x <= 0, mask.y <= 0, mask.x + w >= width, mask.y + h >= height)
    local = measure(mask.bitmap, cell_pixels=mask.cell_pixels, frame_edges=edges)
    return replace(
        local,
        centre_lines=tuple(line + np.array([mask.x, mask.y], np.float32) for line in local.centre_lines),
    )


def _measure_part(part: Part) -> tuple[str, list[Polyline], float, float]:
    ys, xs = np.nonzero(part.bitmap)
    (_, _), (a, b), _ = cv2.minAreaRect(np.stack([xs, ys], axis=1).astype(np.float32))
    long, short = max(a, b) + 1.0, min(a, b) + 1.0
    if (long / short < 5 and part.area / (long * short) > 0.6) or part.area < 4:
        return "blob", [], long, short
    distance = np.asarray(cv2.distanceTransform(part.bitmap, cv2.DIST_L2, 5), np.float32)
    lines = centre_lines(part.bitmap, distance, trace(part.bitmap))
    total = sum(length(line) for line in lines)
    if total <= 0:
        return "blob", [], long, short
    return "line", lines, total, part.area / total
