"""Second moments of a mask: its area and its principal axes."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Moments:
    """`area` in pixels; `xx`, `yy`, `xy` are the variances and the covariance of the set pixels, square pixels."""

    area: int
    xx: float
    yy: float
    xy: float

    @property
    def orientation_degrees(self) -> float:
        """Angle of the principal axis to +x, [0, 180), counter-clockwise as seen (y points down in an image)."""
        degrees = float(np.degrees(0.5 * np.arctan2(-2.0 * self.xy, self.xx - self.yy)))
        return round(degrees, 6) % 180.0  # rounded, so that a rounding error under 0 does not become 180

    @property
    def principal(self) -> tuple[float, float]:
        """Variance along the principal axis and across it, square pixels, neither negative."""
        middle = (self.xx + self.yy) / 2
        root = float(np.hypot((self.xx - self.yy) / 2, self.xy))
        return middle + root, max(middle - root, 0.0)


def moments(bitmap: NDArray[np.uint8]) -> Moments:
    """Return the moments of a mask (H, W) uint8 of 0 and 1; all zero for an empty one."""
    m = cv2.moments(np.ascontiguousarray(bitmap), binaryImage=True)
    area = m["m00"]
    if area <= 0:
        return Moments(0, 0.0, 0.0, 0.0)
    return Moments(round(area), m["mu20"] / area, m["mu02"] / area, m["mu11"] / area)
