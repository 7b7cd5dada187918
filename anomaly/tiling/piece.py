"""What one look at one part of a photograph found, and what remains when all looks are merged."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from anomaly.types import Bitmap, Box, Mask

Region = tuple[int, int, int, int]
"""Whole pixels x0, y0, x1, y1, the last two exclusive."""


class Piece(NamedTuple):
    """One detection of one view, in pixels of the whole photograph.

    `view` is what the detector saw when it found it: a tile, or the whole photograph. `mask` is None
    where nothing segments.
    """

    label: str
    score: float
    box: Box
    mask: Mask | None
    view: Box


class Merged(NamedTuple):
    """One object, put together from `pieces` pieces. `mask` is cropped to the pixels that are set."""

    label: str
    score: float
    box: Box
    mask: Mask | None
    pieces: int = 1


def tight(mask: Mask) -> Mask | None:
    """Crop a mask to its set pixels; None if there are none."""
    if not mask.bitmap.size:
        return None
    x, y, width, height = cv2.boundingRect(mask.bitmap.view(np.uint8))
    if not width:
        return None
    crop = mask.bitmap[y : y + height, x : x + width]
    return Mask(crop, mask.x + x, mask.y + y, mask.score, mask.cell_pixels)


def region_of(mask: Mask) -> Region:
    """Return the pixels that a mask's bitmap covers."""
    height, width = mask.bitmap.shape
    return mask.x, mask.y, mask.x + width, mask.y + height


def whole_pixels(box: Box) -> Region:
    """Return a box's pixels, rounded outwards."""
    return (
        int(np.floor(box.x_min)),
        int(np.floor(box.y_min)),
        int(np.ceil(box.x_max)),
        int(np.ceil(box.y_max)),
    )


def shared(a: Region, b: Region) -> Region:
    """Return the common part; its width or height is not positive where there is none."""
    return max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])


def grown(region: Region, by: int) -> Region:
    """Return the region with a margin."""
    return region[0] - by, region[1] - by, region[2] + by, region[3] + by


def is_empty(region: Region) -> bool:
    """Whether the region has no pixel."""
    return region[2] <= region[0] or region[3] <= region[1]


def hull(regions: "list[Region]") -> Region:
    """Return the smallest region that holds all of them."""
    corners = np.array(regions)
    low, high = corners[:, :2].min(axis=0), corners[:, 2:].max(axis=0)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def view_of(mask: Mask, region: Region) -> Bitmap:
    """Return the part of the bitmap inside `region`, without a copy; smaller than it where it ends."""
    x0, y0, x1, y1 = shared(region_of(mask), region)
    if x1 <= x0 or y1 <= y0:
        return np.zeros((0, 0), np.bool_)
    return mask.bitmap[y0 - mask.y : y1 - mask.y, x0 - mask.x : x1 - mask.x]


def paste(canvas: NDArray[np.uint8], origin: tuple[int, int], mask: Mask) -> None:
    """OR the mask into a canvas whose pixel (0, 0) is pixel `origin` of the photograph."""
    x, y = origin
    region = shared(region_of(mask), (x, y, x + canvas.shape[1], y + canvas.shape[0]))
    if not is_empty(region):
        x0, y0, x1, y1 = region
        canvas[y0 - y : y1 - y, x0 - x : x1 - x] |= view_of(mask, region).view(np.uint8)


def cut(mask: Mask, region: Region) -> NDArray[np.uint8]:
    """Return exactly the pixels of `region`, uint8 0 or 1, zero where the mask has none."""
    canvas = np.zeros((region[3] - region[1], region[2] - region[0]), np.uint8)
    paste(canvas, (region[0], region[1]), mask)
    return canvas


def dilated(bitmap: NDArray[np.uint8], radius: int) -> NDArray[np.uint8]:
    """Grow what is set by `radius` pixels in x and in y; a square kernel is much the fastest."""
    if radius <= 0:
        return bitmap
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (2 * radius + 1, 2 * radius + 1))
    return np.asarray(cv2.dilate(bitmap, kernel), np.uint8)


def near(mask: Mask, region: Region, radius: int) -> NDArray[np.uint8]:
    """Return, for the pixels of `region`, whether the mask is within `radius` pixels."""
    wide = dilated(cut(mask, grown(region, radius)), radius)
    return wide[radius : wide.shape[0] - radius, radius : wide.shape[1] - radius]
