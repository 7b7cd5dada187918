"""What is done with one mask, and what comes of it. Pure; all of it travels between processes."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from anomaly.geometry import measure_mask
from anomaly.geometry.edge import refine
from anomaly.imaging import masks
from anomaly.types import Geometry, Image, Mask, MaskFormat, WrittenMask

Grey = NDArray[np.uint8]

MARGIN = 80
"""Pixels of photograph round a mask to which finding a crack's edge can reach: it is at most 40 wide."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be done with one mask of a photograph of `width` x `height` pixels.

    `photo` shows the photograph round the mask, (H, W) uint8 grey, from its pixel `corner` (x, y) on, where the
    edge is to be found in it; None where the mask's own edge is good enough. `form` is how the mask is to be
    written, None where it is not.
    """

    mask: Mask
    width: int
    height: int
    measured: bool = True
    photo: Grey | None = None
    corner: tuple[int, int] = (0, 0)
    form: MaskFormat | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of a job; None for what was not asked for, and for the measures of an empty mask."""

    geometry: Geometry | None = None
    written: WrittenMask | None = None


def around(image: Image, mask: Mask) -> tuple[Grey, tuple[int, int]]:
    """Return what a photograph shows round a mask, as far as its edge is looked for, and the first pixel of that."""
    height, width = mask.bitmap.shape
    x, y = max(0, mask.x - MARGIN), max(0, mask.y - MARGIN)
    part = image[y : mask.y + height + MARGIN, x : mask.x + width + MARGIN]
    grey = np.asarray(cv2.cvtColor(part, cv2.COLOR_RGB2GRAY), np.uint8)
    return grey, (x, y)


def work(job: Job) -> Measured:
    """Do one job."""
    mask, geometry, written = job.mask, None, None
    if job.measured and mask.area:
        geometry = measure_mask(mask, job.width, job.height)
        if job.photo is not None:
            geometry = _refined(job.photo, job.corner, mask, geometry)
    if job.form is not None:
        written = WrittenMask(job.form, masks.encode(mask, job.form, job.width, job.height))
    return Measured(geometry, written)


def _refined(photo: Grey, corner: tuple[int, int], mask: Mask, geometry: Geometry) -> Geometry:
    x, y = corner
    origin = np.array(corner, np.float32)
    local = replace(geometry, centre_lines=tuple(line - origin for line in geometry.centre_lines))
    found = refine(photo, replace(mask, x=mask.x - x, y=mask.y - y), local)
    return replace(found, centre_lines=geometry.centre_lines)
