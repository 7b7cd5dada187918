"""What is known of one part of a mask once it is measured."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from anomaly.geometry.parts import Part
from anomaly.geometry.shape import Points
from anomaly.geometry.smoothing import resample

_CRUMB = 0.7
"""A part is a crumb of another's edge up to this share of its width, at a distance of up to as much of half of it."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One part. `lost` is the area that a coarse mask lacks at the tips, square pixels; the width is area and that /
    the length. `lines` are its centre lines, (N, 2) xy in the mask's pixels, empty for a blob; `widths` (M,) those of
    the sections. What the uncertainty needs: `tips` counts free ends in the photograph, `leaves` those that leave it;
    `tails` is how much of tapering ends the grid of the mask may have hidden, `noise` the deviation of the centre
    lines, pixels, `slack` the length of bends that may be none, and `turning` how much the lines turn in all, radians;
    `thinnest` is the width of the thinnest twentieth, and `across_grid` how far the lines reach across that direction
    of the pixel grid, straight or diagonal, along which they lie closest, pixels; `frayed` says that the edges were
    smoothed first, and `known` of a blob that its moments tell its sides."""

    is_blob: bool
    area: int
    length: float
    width: float
    lost: float = 0.0
    lines: tuple[Points, ...] = ()
    widths: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    tips: int = 0
    leaves: int = 0
    tails: float = 0.0
    turning: float = 0.0
    noise: float = 0.3
    slack: float = 0.0
    thinnest: float = np.inf
    across_grid: float = np.inf
    frayed: bool = False
    known: bool = False


def is_debris(part: Part, line: Measured) -> bool:
    """Say whether `part` is a crumb of the rough edge of a wider line beside it, which has no length of its own."""
    reach = line.width / 2
    size = part.contour.max(axis=0) - part.contour.min(axis=0) + 1
    if line.is_blob or size.max() > _CRUMB * line.width:
        return False
    centre = part.contour.mean(axis=0) + np.array([part.x, part.y])
    for points in line.lines:
        even, _ = resample(points, 2.0)
        apart = even - centre
        nearest = int(np.argmin((apart * apart).sum(axis=1)))
        if np.hypot(*apart[nearest]) > (1 + _CRUMB) * reach + size.max() / 2:
            continue
        if 0 < nearest < len(even) - 1:
            return True
        inner = 1 if nearest == 0 else -2
        along = even[nearest] - even[inner]
        aside = apart[nearest, 0] * along[1] - apart[nearest, 1] * along[0]
        if abs(aside) > reach / 2 * np.hypot(*along):  # beside the end, not ahead of it
            return True
    return False
