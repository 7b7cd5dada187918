"""Ways to measure a mask, side by side: ours, and those that are commonly used."""

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.morphology import medial_axis, skeletonize

from anomaly.geometry import measure


class Reading(NamedTuple):
    """What a ruler says of one mask: pixels and degrees."""

    length: float
    width: float
    orientation: float


def ours(mask: NDArray[np.bool_]) -> Reading:
    """`anomaly.geometry.measure`."""
    found = measure(mask)
    return Reading(found.length_pixels, found.width_pixels or 0.0, found.orientation_degrees)


def skeleton_pixels(mask: NDArray[np.bool_]) -> Reading:
    """Count the pixels of Lee's skeleton; width = area / length; orientation by the min-area rectangle."""
    crop = _crop(mask)
    length = float(np.count_nonzero(skeletonize(crop, method="lee")))
    return Reading(length, np.count_nonzero(crop) / length, rectangle(mask).orientation)


def skeleton_steps(mask: NDArray[np.bool_]) -> Reading:
    """Sum the steps of Lee's skeleton, 1 along the grid and sqrt 2 across it."""
    crop = _crop(mask)
    line = np.pad(skeletonize(crop, method="lee") > 0, 1)
    straight = np.count_nonzero(line[1:] & line[:-1]) + np.count_nonzero(line[:, 1:] & line[:, :-1])
    oblique = line[1:, 1:] & line[:-1, :-1] & ~line[1:, :-1] & ~line[:-1, 1:]
    other = line[1:, :-1] & line[:-1, 1:] & ~line[1:, 1:] & ~line[:-1, :-1]
    length = max(1.0, float(straight + np.sqrt(2) * (np.count_nonzero(oblique) + np.count_nonzero(other))))
    return Reading(length, np.count_nonzero(crop) / length, rectangle(mask).orientation)


def medial(mask: NDArray[np.bool_]) -> Reading:
    """Count the pixels of the medial axis; width = twice the mean distance along it."""
    axis, distance = medial_axis(np.pad(_crop(mask), 1), return_distance=True)
    return Reading(float(axis.sum()), float(2 * distance[axis].mean()), rectangle(mask).orientation)


def rectangle(mask: NDArray[np.bool_]) -> Reading:
    """Take the sides and the long side's direction of the min-area rectangle."""
    y, x = np.nonzero(_crop(mask))
    _, (a, b), degrees = cv2.minAreaRect(np.stack([x, y], axis=1).astype(np.float32))
    return Reading(max(a, b) + 1, min(a, b) + 1, (-degrees if a >= b else 90 - degrees) % 180)


RULERS: dict[str, Callable[[NDArray[np.bool_]], Reading]] = {
    "ours": ours,
    "skeleton, pixels": skeleton_pixels,
    "skeleton, steps": skeleton_steps,
    "medial axis": medial,
    "min-area rectangle": rectangle,
}


def _crop(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    x, y, w, h = cv2.boundingRect(mask.view(np.uint8))
    return mask[y : y + h, x : x + w]
