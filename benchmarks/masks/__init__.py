"""Exact masks of known shapes: the ground on which the geometry is judged.

A pixel is set when its centre lies inside the analytic shape. Every shape is drawn from a numbered
seed, and its truth is computed from the curve it was drawn from, never from the pixels, but for one
figure: the area of shapes that overlap themselves (branches, corners), which is counted.

Truth of a line: the arc length of its centre line from tip to tip, inside the frame (a round end
reaches half a width past the last point of the curve); its mean width, area / length; the principal
axis of the shape. Truth of a blob: its sides or its axes.
"""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from benchmarks.masks.blobs import ellipse, rectangle
from benchmarks.masks.decoder import degrade
from benchmarks.masks.joined import border, branching, two_parts, zigzag
from benchmarks.masks.sample import Sample, angle_between
from benchmarks.masks.single import curved, one_pixel, ragged, rough, straight, taper, varying

__all__ = ["GROUPS", "Sample", "angle_between", "degrade", "sample"]

GROUPS: dict[str, tuple[str, ...]] = {
    "core": ("straight", "curved", "rough", "ragged", "two_parts", "border", "one_pixel"),
    "hard": ("taper", "varying", "zigzag", "branching"),
    "blobs": ("ellipse", "rectangle"),
}


def sample(family: str, seed: int, scale: float = 1.0) -> Sample:
    """Draw one mask of `family`; the same seed gives the same mask. `scale` multiplies every size."""
    rng = np.random.default_rng([seed, sorted(_FAMILIES).index(family)])
    return _FAMILIES[family](rng, family, scale)


_FAMILIES: dict[str, Callable[[Generator, str, float], Sample]] = {
    "straight": straight,
    "curved": curved,
    "rough": rough,
    "ragged": ragged,
    "two_parts": two_parts,
    "border": border,
    "one_pixel": one_pixel,
    "taper": taper,
    "varying": varying,
    "zigzag": zigzag,
    "branching": branching,
    "ellipse": ellipse,
    "rectangle": rectangle,
}
