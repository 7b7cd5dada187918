"""Pixels -> millimetres on the surface, with what that is worth.

The scale comes from the request: a constant, a camera, or a marker in the photograph. With a marker the view
may be oblique: then it differs from place to place and from direction to direction, and a
length is that of the centre line carried over to the surface, an area the sum over its pixels.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import cos, hypot, isfinite, radians, sin

import numpy as np
from numpy.typing import NDArray

from anomaly.errors import InvalidRequest
from anomaly.geometry.scale import camera, marker
from anomaly.geometry.scale.plane import Matrix, Plane, length_mm, mean_area_mm2
from anomaly.types import Geometry, Image, Mask, Physical, ScaleRequest

__all__ = ["Scale", "physical", "scale_of"]

PIXEL_PM = 0.5
"""Pixels: the error of a length or a width for which the geometry states none."""

_MARKER_PM_MM = 0.25
"""Printing and measuring a marker with a ruler."""

_SAMPLES = 4096


@dataclass(frozen=True, slots=True)
class Scale:
    """What pixels measure: on one surface, or on that whose marker is nearest.

    `relative_pm` is the relative standard deviation that all lengths share; `source` a sentence.
    """

    planes: tuple[Plane, ...]
    relative_pm: float
    source: str

    def plane_at(self, x: float, y: float) -> Plane:
        """Return the surface that counts at a point of the photograph."""
        return min(self.planes, key=lambda plane: hypot(plane.x - x, plane.y - y))

    def mm_per_pixel(self, x: float, y: float, direction_degrees: float) -> float:
        """Return the scale at a point in a direction, counter-clockwise from +x as seen on the screen."""
        return length_mm(self.plane_at(x, y).to_mm, _across(x, y, direction_degrees))


def scale_of(request: ScaleRequest, image: Image, exif: Mapping[str, float]) -> Scale:
    """Return the scale that a request states for a photograph, (H, W, 3) uint8 RGB.

    `exif` is what the file says of its camera (`anomaly.imaging.exif`), perhaps nothing. A constant is taken as
    exact. Raises `InvalidRequest` where not exactly one way is given or a value is none, and
    `MarkerNotFound`.
    """
    given = [name for name in ("mm_per_pixel", "camera", "marker") if getattr(request, name) is not None]
    if len(given) != 1:
        raise InvalidRequest(
            f"the scale needs exactly one of mm_per_pixel, camera and marker; got {' and '.join(given) or 'none'}."
        )
    if request.mm_per_pixel is not None:
        value = request.mm_per_pixel
        if not (isfinite(value) and value > 0):
            raise InvalidRequest(f"mm_per_pixel is {value}; a number above 0 is expected.")
        return Scale((Plane.uniform(value),), 0.0, f"Given: {value:g} mm per pixel, taken as exact.")
    if request.camera is not None:
        height, width = image.shape[:2]
        resolved = camera.resolve(request.camera, exif, width, height)
        return Scale((Plane.uniform(resolved.mm_per_pixel),), resolved.relative_pm, resolved.source)
    if request.marker is not None:
        found = marker.locate(request.marker, image)
        return Scale(found.planes, _MARKER_PM_MM / request.marker.size_mm, found.source)
    raise InvalidRequest("the scale needs exactly one of mm_per_pixel, camera and marker.")


def physical(geometry: Geometry, mask: Mask, scale: Scale) -> Physical | None:
    """Return a defect's measures on the surface; None for an empty mask, or one that reaches the horizon.

    A line's length is that of its centre line on the surface; a width follows from area and length, as
    it does in pixels. Relative errors add in squares: the pixels' own (`Geometry`'s, else `PIXEL_PM`),
    the scale's where the defect lies, and what all lengths share, twice for an area. The area is that of the mask,
    wherever the width was measured.
    """
    points = _sample(mask)
    if not len(points):
        return None
    x, y = (float(value) for value in points.mean(axis=0))
    plane = scale.plane_at(x, y)
    lines: list[NDArray[np.floating]] = [line for line in geometry.centre_lines if len(line) > 1]
    if not lines:
        lines = [_across(x, y, geometry.orientation_degrees)]
    if not plane.shows(np.concatenate([points, *lines])):
        return None
    along, area = _ratios(plane.to_mm, lines, points)
    moved = [_ratios(variant, lines, points) for variant in plane.variants]
    along_pm = _spread([each / along for each, _ in moved])
    area_pm = _spread([each / area for _, each in moved])
    across_pm = _spread([(each_area / each) / (area / along) for each, each_area in moved])
    own_length = _relative(geometry.length_pixels_pm, geometry.length_pixels)
    own_width = _relative(geometry.width_pixels_pm, geometry.width_pixels)
    width_mm = None if geometry.width_pixels is None else geometry.width_pixels * area / along
    p95 = geometry.width_p95_pixels if geometry.width_pixels is not None else None
    length, surface = geometry.length_pixels * along, geometry.area_pixels * area
    return Physical(
        length_mm=length,
        length_mm_pm=length * hypot(own_length, along_pm, scale.relative_pm),
        width_mm=width_mm,
        width_mm_pm=None if width_mm is None else width_mm * hypot(own_width, across_pm, scale.relative_pm),
        width_p95_mm=None if p95 is None else p95 * area / along,
        area_mm2=surface,
        area_mm2_pm=surface * hypot(_own_area(geometry), area_pm, 2.0 * scale.relative_pm),
        mm_per_pixel=float(np.sqrt(area)),
        source=scale.source,
    )


def _ratios(
    to_mm: Matrix, lines: list[NDArray[np.floating]], points: NDArray[np.floating]
) -> tuple[float, float]:
    """Return millimetres per pixel along the lines, and square millimetres per pixel of the mask."""
    flat = sum(float(np.hypot(*np.diff(line, axis=0).T).sum()) for line in lines)
    return sum(length_mm(to_mm, line) for line in lines) / flat, mean_area_mm2(to_mm, points)


def _sample(mask: Mask) -> NDArray[np.float64]:
    """Return pixels of the mask, (N, 2) x y, evenly taken from it where there are many."""
    rows, columns = np.nonzero(mask.bitmap)
    step = max(1, len(rows) // _SAMPLES)
    return np.stack([columns[::step] + mask.x, rows[::step] + mask.y], axis=1).astype(np.float64)


def _across(x: float, y: float, direction_degrees: float) -> NDArray[np.float64]:
    """Return a line one pixel long around a point; the screen's y runs downwards."""
    dx, dy = cos(radians(direction_degrees)) / 2, -sin(radians(direction_degrees)) / 2
    return np.array([[x - dx, y - dy], [x + dx, y + dy]])


def _spread(ratios: list[float]) -> float:
    return float(np.sqrt(sum((ratio - 1.0) ** 2 for ratio in ratios)))


def _own_area(geometry: Geometry) -> float:
    """Return the relative error of an area of which only the sides' errors may be stated."""
    if geometry.area_pixels_pm is not None:
        return geometry.area_pixels_pm / max(geometry.area_pixels, 1)
    return hypot(
        _relative(geometry.length_pixels_pm, geometry.length_pixels),
        _relative(geometry.width_pixels_pm, geometry.width_pixels),
    )


def _relative(error_pixels: float | None, value_pixels: float | None) -> float:
    if value_pixels is None or value_pixels <= 0:
        return 0.0
    return (PIXEL_PM if error_pixels is None else error_pixels) / value_pixels
