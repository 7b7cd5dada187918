"""Grey profiles of a photograph across centre lines."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from anomaly.types import Image, Mask, Polyline

Points = NDArray[np.float64]
Profiles = NDArray[np.float32]

_MOST = 12_000
"""As many profiles are taken at the most; of longer lines they lie further apart."""


@dataclass(frozen=True, slots=True)
class Track:
    """Points of one line `step` pixels apart, (N, 2) xy, and the unit `normal` (N, 2) at each."""

    points: Points
    normal: Points
    step: float

    def moved(self, shift: NDArray[np.float64]) -> "Track":
        """Shift each point by so many pixels along its normal, (N,)."""
        return _track(self.points + self.normal * shift[:, None], self.step)


def tracks(lines: Sequence[Polyline], shortest: float) -> list[Track]:
    """Space the points of `lines` evenly, about 1 pixel apart, and leave out lines shorter than `shortest`."""
    spans = []
    for line in lines:
        points = np.asarray(line, np.float64)
        at = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
        spans.append((points, at))
    step = max(1.0, sum(float(at[-1]) for _, at in spans) / _MOST)
    found = []
    for points, at in spans:
        if at[-1] >= max(shortest, 4 * step):
            even = np.arange(0.0, at[-1], step)
            found.append(_track(np.stack([np.interp(even, at, points[:, i]) for i in (0, 1)], axis=1), step))
    return found


def _track(points: Points, step: float) -> Track:
    # A centre line made of pixels jitters: its direction is that over some 5 pixels.
    tangent = np.gradient(gaussian_filter1d(points, 1.5 / step, axis=0, mode="nearest"), axis=0)
    tangent /= np.maximum(np.hypot(tangent[:, 0], tangent[:, 1]), 1e-9)[:, None]
    return Track(points, np.stack([-tangent[:, 1], tangent[:, 0]], axis=1), step)


def sample(image: Image, track: Track, offsets: Profiles) -> tuple[Profiles, NDArray[np.bool_]]:
    """Return grey levels (N, K) float32 at `offsets` (K,) pixels along the normals, and which rows lie in `image`.

    Only the part of the photograph round the line is read.
    """
    x, y = _places(track, offsets)
    height, width = image.shape[:2]
    left, top = (int(np.clip(v.min() - 1, 0, n - 1)) for v, n in ((x, width), (y, height)))
    right, bottom = (int(np.clip(v.max() + 3, 1, n)) for v, n in ((x, width), (y, height)))
    inside = (x.min(axis=1) >= 0) & (y.min(axis=1) >= 0)
    inside &= (x.max(axis=1) <= width - 1) & (y.max(axis=1) <= height - 1)
    part = image[top:bottom, left:right]
    grey = cv2.cvtColor(part, cv2.COLOR_RGB2GRAY) if part.ndim == 3 else part
    # Bilinear sampling would blur by up to half a pixel, by more between pixels than on them.
    found = cv2.remap(grey, x - left, y - top, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return found.astype(np.float32), inside


def covered(mask: Mask, track: Track, offsets: Profiles) -> NDArray[np.bool_]:
    """Return which samples (N, K) lie on the mask."""
    x, y = _places(track, offsets)
    columns, rows = (np.rint(v).astype(np.intp) - origin for v, origin in ((x, mask.x), (y, mask.y)))
    height, width = mask.bitmap.shape
    inside = (columns >= 0) & (rows >= 0) & (columns < width) & (rows < height)
    return np.asarray(inside & mask.bitmap[np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)])


def _places(track: Track, offsets: Profiles) -> tuple[Profiles, Profiles]:
    x, y = (
        (track.points[:, i, None] + track.normal[:, i, None] * offsets).astype(np.float32) for i in (0, 1)
    )
    return x, y
