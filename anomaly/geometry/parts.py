"""A mask taken apart: cropped, split into its connected parts, pinholes filled."""

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

MARGIN = 3
"""Zero pixels put round a part, so that no neighbour lies outside the array."""


class FrameEdges(NamedTuple):
    """Which sides of the array are edges of the photograph itself, where a defect may run on unseen."""

    left: bool = True
    top: bool = True
    right: bool = True
    bottom: bool = True


@dataclass(frozen=True, slots=True)
class Part:
    """One connected (8) part: `bitmap` (h, w) uint8 of 0 and 1 with a margin of `MARGIN` zeros;
    its pixel (0, 0) is pixel (x, y) of the mask."""

    bitmap: NDArray[np.uint8]
    x: int
    y: int
    area: int


def split(mask: NDArray[np.uint8]) -> list[Part]:
    """Return the connected parts of `mask`, (H, W) uint8 of 0 and 1, largest first."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    parts = []
    for k in np.argsort(-stats[1:count, cv2.CC_STAT_AREA], kind="stable")[:64] + 1:
        x, y, w, h, area = (int(v) for v in stats[k])
        bitmap = np.zeros((h + 2 * MARGIN, w + 2 * MARGIN), np.uint8)
        bitmap[MARGIN : MARGIN + h, MARGIN : MARGIN + w] = labels[y : y + h, x : x + w] == k
        parts.append(Part(bitmap, x - MARGIN, y - MARGIN, area))
    return parts
