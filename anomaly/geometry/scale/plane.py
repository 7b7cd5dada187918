"""A flat surface as the photograph shows it: pixels -> millimetres on it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
"""(3, 3): a homography from pixels (pixel centres at whole numbers) to millimetres."""

Points = NDArray[np.floating]
"""(N, 2): x, y in pixels."""

_HORIZON = 0.05
"""A point twenty times as far from the camera as the plane's origin is as good as the horizon."""


@dataclass(frozen=True, slots=True)
class Plane:
    """A surface seen square on or obliquely.

    `to_mm` takes pixels to millimetres. `variants` are what it would be if one independent error of what it
    was found from were one standard deviation larger; none where nothing was measured in the picture.
    `x`, `y` is the point, in pixels, around which it was found.
    """

    to_mm: Matrix
    variants: tuple[Matrix, ...] = ()
    x: float = 0.0
    y: float = 0.0

    @classmethod
    def uniform(cls, mm_per_pixel: float) -> "Plane":
        """Return a surface seen square on: the scale is the same everywhere and in every direction."""
        return cls(np.diag([mm_per_pixel, mm_per_pixel, 1.0]))

    def shows(self, points: Points) -> bool:
        """Whether all points lie on the surface, and not beyond or near its horizon."""
        there = _depth(self.to_mm, points) / _depth(self.to_mm, np.array([[self.x, self.y]]))
        return bool(there.size) and bool((there > _HORIZON).all())


def mapped(to_mm: Matrix, points: Points) -> NDArray[np.float64]:
    """Return the points on the surface, millimetres."""
    flat = points @ to_mm[:2, :2].T + to_mm[:2, 2]
    return np.asarray(flat / _depth(to_mm, points)[:, None])


def length_mm(to_mm: Matrix, line: Points) -> float:
    """Return the length of a polyline on the surface; a straight line in the picture is straight on it."""
    return float(np.hypot(*np.diff(mapped(to_mm, line), axis=0).T).sum())


def mean_area_mm2(to_mm: Matrix, points: Points) -> float:
    """Return what one pixel at these points covers on the surface, on average: the mean Jacobian.

    For x' = H x the determinant of the Jacobian is det(H) / w^3, w the third coordinate of x'
    (R. Hartley, A. Zisserman, Multiple View Geometry, 2004, section 2.7).
    """
    return float(np.mean(abs(np.linalg.det(to_mm)) / np.abs(_depth(to_mm, points)) ** 3))


def _depth(to_mm: Matrix, points: Points) -> NDArray[np.float64]:
    return np.asarray(points @ to_mm[2, :2] + to_mm[2, 2])
