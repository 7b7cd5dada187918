"""From a map of how much each pixel looks like crack to detections, and from a box back to its pixels.

Shared by the backends that decide per pixel. Pure.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from anomaly.backends.lowres import pixels_of
from anomaly.types import Bitmap, Box, Mask

Likeness = NDArray[np.float32]
"""How much each pixel looks like crack: (H, W) float32, 0..1."""


@dataclass(frozen=True, slots=True)
class Cut:
    """How a likeness map is cut into components.

    Pixels of at least `low` that hang together with one of at least `high` (hysteresis), across gaps of
    up to `bridge_pixels`, are one component; those shorter than `shortest_pixels` are dropped.
    """

    low: float
    high: float
    bridge_pixels: int = 5
    shortest_pixels: float = 20.0


@dataclass(frozen=True, slots=True)
class Component:
    """Pixels that hang together: `bitmap` (h, w) bool, its pixel (0, 0) at (x, y) of the photograph.

    `length_pixels` is the diagonal of its box; `likeness` is the mean over its pixels and `peak` what a
    tenth of them exceed, 0..1.
    """

    bitmap: Bitmap
    x: int
    y: int
    length_pixels: float
    likeness: float
    peak: float

    @property
    def box(self) -> Box:
        """The smallest box around its pixels."""
        height, width = self.bitmap.shape
        return Box(float(self.x), float(self.y), float(self.x + width), float(self.y + height))


def components(likeness: Likeness, cut: Cut) -> list[Component]:
    """Cut a likeness map into its components, in reading order of their boxes' upper corners."""
    low = (likeness >= cut.low).astype(np.uint8)
    if not low.any():
        return []
    side = max(1, cut.bridge_pixels)
    joined = cv2.morphologyEx(
        low, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    )
    joined = cv2.max(joined, cv2.dilate(low, np.ones((3, 3), np.uint8)))
    total, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    found = []
    for label in range(1, total):
        x, y, width, height = (int(v) for v in stats[label, :4])
        if np.hypot(width, height) < cut.shortest_pixels:
            continue
        window = (slice(y, y + height), slice(x, x + width))
        own = (labels[window] == label) & (low[window] > 0)
        values = likeness[window][own]
        if values.max() < cut.high:
            continue
        rows, columns = np.flatnonzero(own.any(1)), np.flatnonzero(own.any(0))
        tight = own[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        length = float(np.hypot(*tight.shape))
        if length < cut.shortest_pixels:
            continue
        mean, peak = float(values.mean()), float(np.quantile(values, 0.9))
        found.append(Component(tight, x + int(columns[0]), y + int(rows[0]), length, mean, peak))
    return sorted(found, key=lambda one: (one.y, one.x))


def mask(likeness: Likeness, found: list[Component], box: Box, low: float) -> Mask:
    """Return the crack pixels in `box`: one component's where the box is its own, else all of them.

    The bitmap covers the box rounded outwards and clipped to the photograph; `score` is the mean
    likeness of the pixels set, 0 where none is.
    """
    height, width = likeness.shape
    for one in found:
        if one.box == box:
            return Mask(one.bitmap, one.x, one.y, one.likeness)
    x, y, columns, rows = pixels_of(box, width, height)
    window = likeness[y : y + rows, x : x + columns]
    bitmap = window >= low
    return Mask(bitmap, x, y, float(window[bitmap].mean()) if bitmap.any() else 0.0)
