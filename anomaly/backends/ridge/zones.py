"""From the bank's response to the pixels of dark lines: what hangs together, as narrow as it really is."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from anomaly.backends.ridge.bank import UNIT, Grey, grown, tiles

LOW = 3.0
"""A pixel belongs to a line if its strength is this, and it hangs together with one of `HIGH` (hysteresis)."""

HIGH = 5.0

SHORTEST = 12.0
"""Diagonal of a component's box, pixels; what is shorter is texture."""

DEPTH_SHARE = 0.5
"""A pixel is within the line where it is darker than the surroundings by this share of the line's depth.

Half: there a blurred edge crosses the place of the sharp one, so that blur hardly widens a line of 3 px or more.
"""

_TILE = 512
_MARGIN = 40  # half the surroundings, half the length along, and the blur
_SURROUNDINGS = 41
_ALONG = 25


@dataclass(frozen=True, slots=True)
class Zones:
    """Pixels of lines, in reading order: `flat` int64 indices into the photograph, `label` 0..`count` - 1."""

    flat: NDArray[np.int64]
    label: NDArray[np.int64]
    count: int


def zones(grey: Grey, strength: NDArray[np.uint16]) -> Zones:
    """Threshold with hysteresis, drop what is short, and narrow each zone to the line's own width.

    The bank responds beside a line too; the line's own edges are where its depth is half (`DEPTH_SHARE`).
    """
    low = (strength >= round(LOW * UNIT)).view(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(low, connectivity=8)
    flat = np.flatnonzero(low)
    label = labels.ravel()[flat]
    del labels
    keep = np.hypot(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]) >= SHORTEST
    strong = np.zeros(count, np.bool_)
    strong[label[strength.ravel()[flat] >= round(HIGH * UNIT)]] = True
    inside = (keep & strong)[label]
    flat, label = flat[inside], label[inside]
    zone = np.zeros(grey.shape, np.uint8)
    zone.ravel()[flat] = 1
    inside = narrowed(grey, zone).ravel()[flat] > 0
    flat, label = flat[inside], label[inside]
    kept, label = np.unique(label, return_inverse=True)
    return Zones(flat, label, len(kept))


def narrowed(grey: Grey, zone: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the pixels of `zone` (H, W; 0 or 1) that are dark enough to be the line itself."""
    if not zone.any():
        return zone
    result = np.zeros_like(zone)
    border = (_MARGIN, _MARGIN, _MARGIN, _MARGIN, cv2.BORDER_REFLECT)
    shades, padded = (np.asarray(cv2.copyMakeBorder(each, *border), np.uint8) for each in (grey, zone))
    inner = slice(_MARGIN, -_MARGIN)
    for rows, columns in tiles(grey.shape, _TILE):
        if zone[rows, columns].any():
            window = grown(rows, _MARGIN), grown(columns, _MARGIN)
            result[rows, columns] = _narrowed(shades[window], padded[window])[inner, inner]
    return result


def _narrowed(grey: Grey, zone: NDArray[np.uint8]) -> NDArray[np.uint8]:
    shade = np.asarray(cv2.GaussianBlur(grey.astype(np.float32), (0, 0), 0.5), np.float32)
    within = zone.astype(np.float32)
    depth = np.maximum(_mean(shade, 1 - within, _SURROUNDINGS) - shade, 0)
    # The deep pixels along the line say how deep it is; the square keeps its shallow rim out of the mean.
    core = _mean(depth, within * depth * depth, _ALONG)
    kept: NDArray[np.uint8] = zone & (depth > DEPTH_SHARE * core)
    return kept


def _mean(values: NDArray[np.float32], weights: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Return the weighted mean over squares of `side` pixels."""
    total = cv2.blur(values * weights, (side, side))
    mean: NDArray[np.float32] = total / np.maximum(cv2.blur(weights, (side, side)), 1e-3)
    return mean
