"""One part of a mask with what is asked of it again and again: its distance map and the photograph's edges."""

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from anomaly.geometry.parts import FrameEdges, Part

Points = NDArray[np.float64]
"""(N, 2) xy, pixel centres at whole numbers."""


class Frame(NamedTuple):
    """The photograph's edges in a part's own pixels; infinite where the part does not reach one."""

    x_min: float
    y_min: float
    x_max: float
    y_max: float

    def holds(self, points: Points, margin: float) -> NDArray[np.bool_]:
        """Say of each point (N, 2) whether it lies inside by more than `margin` pixels."""
        x, y = points[:, 0], points[:, 1]
        return np.asarray(
            (x > self.x_min + margin)
            & (y > self.y_min + margin)
            & (x < self.x_max - margin)
            & (y < self.y_max - margin)
        )


@dataclass(frozen=True, slots=True)
class Shape:
    """`bitmap` (H, W) uint8 of 0 and 1 and, beside it, the same as `image` of 0 and 255; `distance` (H, W)
    float32 of each pixel to the nearest unset one; `frame` None where the part reaches no edge of the photograph."""

    bitmap: NDArray[np.uint8]
    image: NDArray[np.uint8]
    distance: NDArray[np.float32]
    frame: Frame | None
    holes: int
    mean_width: float

    @classmethod
    def of(cls, part: Part, frame: Frame | None) -> "Shape":
        """Compute what is needed of `part`."""
        distance = np.asarray(cv2.distanceTransform(part.bitmap, cv2.DIST_L2, 5), np.float32)
        # Across a ribbon of width w the distance rises from 0 to w/2 and falls again: its mean is w/4.
        mean_width = 4.0 * cv2.sumElems(distance)[0] / max(part.area, 1)
        return cls(part.bitmap, part.bitmap * np.uint8(255), distance, frame, part.holes, mean_width)

    def radii(self, points: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return the distance at the pixels nearest to `points` (N, 2) xy, which lie inside the array."""
        nearest = np.rint(points).astype(np.intp)
        return np.asarray(self.distance[nearest[:, 1], nearest[:, 0]])

    def radius(self, point: NDArray[np.floating]) -> float:
        """Return the distance at the pixel nearest to `point` (2,) xy, clipped to the array."""
        h, w = self.distance.shape
        x = min(max(round(float(point[0])), 0), w - 1)
        y = min(max(round(float(point[1])), 0), h - 1)
        return float(self.distance[y, x])


def frame_of(part: Part, width: int, height: int, edges: FrameEdges) -> Frame | None:
    """Return the frame of an array `width` x `height` in the pixels of `part`; None where `part` touches none."""
    h, w = part.bitmap.shape
    inner = 3  # the margin of a part
    left = -0.5 - part.x if edges.left and part.x + inner <= 0 else -np.inf
    top = -0.5 - part.y if edges.top and part.y + inner <= 0 else -np.inf
    right = width - 0.5 - part.x if edges.right and part.x + w - inner >= width else np.inf
    bottom = height - 0.5 - part.y if edges.bottom and part.y + h - inner >= height else np.inf
    frame = Frame(left, top, right, bottom)
    return None if np.isinf(frame).all() else frame
