"""Findings of a photograph, made up, with everything that can be known and with nothing."""

import numpy as np

from anomaly.types import Anomaly, Box, Findings, Geometry, Mask, Physical, Structure, WidthClass


def full() -> Findings:
    """Return a measured crack with its mask, on a beam, in a photograph of 100 x 80."""
    bitmap = np.zeros((20, 30), bool)
    bitmap[8:12, 2:28] = True
    bitmap[9, 5] = False  # a hole
    mask = Mask(bitmap, 10, 20, 0.8)
    geometry = Geometry(mask.area, 26.004, 4.0, 179.999, 5.0, 6.0, 0.8, 0.3)
    width_class = WidthClass("EC2", "XC2", 0.3, "at_limit", "EN 1992-1-1, table 7.1N")
    physical = Physical(
        13.0, 0.4, 0.29994, 0.02, 0.35, 25.0, 1.0, 0.5, "mm_per_pixel of the request", width_class
    )
    crack = Anomaly(
        "anom_1", "crack", "beam", Box(10, 20, 40, 40), 0.9, 0.8, geometry, mask, "struct_1", 0.97, physical
    )
    return Findings("left.jpg", 100, 80, (crack,), (Structure("struct_1", "beam", Box(0, 0, 100, 50), 0.7),))


def bare(frame_id: str = "right.jpg") -> Findings:
    """Return a rust stain of which only the box is known, in a photograph of 64 x 48."""
    stain = Anomaly("anom_2", "corrosion", "unknown", Box(1.234, 2, 30, 40), 0.5)
    return Findings(frame_id, 64, 48, (stain,))


def nothing() -> Findings:
    """Return a photograph on which nothing was found."""
    return Findings("empty.jpg", 640, 480)
