"""One mask with the truth about it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Sample:
    """One mask (H, W) bool with the truth about it, in pixels and degrees."""

    family: str
    mask: NDArray[np.bool_]
    length: float
    width: float
    orientation: float


def angle_between(a: float, b: float) -> float:
    """Return how far two axes are apart, degrees, 0..90."""
    apart = abs(a - b) % 180.0
    return min(apart, 180.0 - apart)
