"""Pixels, boxes and photographs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""Pixels of a photograph: (H, W, 3) uint8, RGB, 0..255."""


Bitmap = NDArray[np.bool_]
"""A binary mask: (H, W) bool."""


Polyline = NDArray[np.float32]
"""Points of a centre line in order: (N, 2) float32, x then y, pixel centres at whole numbers."""


class Box(NamedTuple):
    """An axis-aligned rectangle in pixels, x to the right, y downwards, maximum exclusive.

    A tuple, because one is made for each thing found: a frozen dataclass takes three times as long to make.
    """

    x_min: float
    y_min: float
    x_max: float
    y_max: float

    @property
    def width(self) -> float:
        """Extent in x, pixels, never negative."""
        return max(0.0, self.x_max - self.x_min)

    @property
    def height(self) -> float:
        """Extent in y, pixels, never negative."""
        return max(0.0, self.y_max - self.y_min)

    @property
    def area(self) -> float:
        """Width times height, square pixels."""
        width, height = self.x_max - self.x_min, self.y_max - self.y_min
        return width * height if width > 0 and height > 0 else 0.0

    def clipped(self, width: int, height: int) -> "Box":
        """Return the part inside a photograph of `width` x `height` pixels; empty (area 0) if none is."""
        return Box(
            min(max(self.x_min, 0.0), width),
            min(max(self.y_min, 0.0), height),
            min(max(self.x_max, 0.0), width),
            min(max(self.y_max, 0.0), height),
        )


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may hold at the most."""

    max_image_bytes: int = 64_000_000
    max_pixels: int = 100_000_000
    max_images: int = 32
    max_request_bytes: int = 128_000_000


@dataclass(frozen=True, slots=True)
class Frame:
    """One photograph, upright: `image` is (H, W, 3) uint8 RGB.

    `digest` is the sha256 of its file, and `exif` what the file says of its camera, by Exif's names.
    """

    id: str
    image: Image
    digest: str = ""
    exif: Mapping[str, float] = field(default_factory=dict)

    @property
    def width(self) -> int:
        """Pixels in x."""
        return int(self.image.shape[1])

    @property
    def height(self) -> int:
        """Pixels in y."""
        return int(self.image.shape[0])
