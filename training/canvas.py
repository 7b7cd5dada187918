"""The photograph in the making, and the truth about its cracks."""

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from training.noise import Field, Pixels

SUPERSAMPLING = 4
"""Thin shapes are drawn this many times larger and shrunk, so that widths are true to a quarter pixel."""


@dataclass(frozen=True, slots=True)
class Line:
    """A crack's truth: `points` (N, 2) x, y in pixels, `widths` (N,) in pixels."""

    points: NDArray[np.float32]
    widths: NDArray[np.float32]


@dataclass(slots=True)
class Canvas:
    """`pixels` (n, n, 3) 0..255; `crack` (n, n) the share of a pixel that is crack, 0..1;

    `trace` (n, n) how many grey levels the cracks took from the surface; `lines` their centre lines as
    drawn, before any later warp.
    """

    pixels: Pixels
    crack: Field = field(init=False)
    trace: Field = field(init=False)
    lines: list[Line] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.crack = np.zeros(self.pixels.shape[:2], np.float32)
        self.trace = np.zeros(self.pixels.shape[:2], np.float32)

    @property
    def n(self) -> int:
        """Side in pixels."""
        return int(self.pixels.shape[0])

    def cover(self, alpha: Field, paint: NDArray[np.float32]) -> None:
        """Lay `paint` (a colour or a picture) over the surface where `alpha` is 1: it hides cracks."""
        self.stain(alpha, paint)
        self.crack = self.crack * (1 - alpha)
        self.trace = self.trace * (1 - alpha)

    def shade(self, factor: Field) -> None:
        """Multiply the light; cracks stay cracks."""
        self.pixels = self.pixels * factor[..., None]
        self.trace = self.trace * factor

    def add(self, delta: Field) -> None:
        """Add grey levels."""
        self.pixels = self.pixels + delta[..., None]

    def stain(self, alpha: Field, paint: NDArray[np.float32]) -> None:
        """Tint the surface without hiding the cracks in it."""
        self.pixels = self.pixels + (paint.astype(np.float32) - self.pixels) * alpha[..., None]


def shrink(large: NDArray[np.uint8]) -> Field:
    """Bring a supersampled drawing (uint8, 0 or 255) to the canvas: coverage 0..1."""
    side = large.shape[0] // SUPERSAMPLING
    return cv2.resize(large, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def sheet(n: int) -> NDArray[np.uint8]:
    """Return an empty supersampled drawing for a canvas of side `n`."""
    return np.zeros((n * SUPERSAMPLING, n * SUPERSAMPLING), np.uint8)


def stroke(
    large: NDArray[np.uint8],
    points: NDArray[np.float32],
    widths: NDArray[np.float32] | float,
    value: int = 255,
) -> None:
    """Draw a line of varying width (pixels of the canvas) onto a supersampled drawing."""
    scaled = np.round((points + 0.5) * SUPERSAMPLING).astype(int)
    thick = np.broadcast_to(np.round(np.asarray(widths) * SUPERSAMPLING).astype(int), (len(points),))
    if (thick == thick[0]).all():
        if thick[0] > 0:
            cv2.polylines(large, [scaled.reshape(-1, 1, 2).astype(np.int32)], False, value, int(thick[0]))
        return
    for (x0, y0), (x1, y1), t in zip(
        scaled[:-1].tolist(), scaled[1:].tolist(), thick[1:].tolist(), strict=True
    ):
        if t > 0:
            cv2.line(large, (x0, y0), (x1, y1), value, t)


def polygon(n: int, points: NDArray[np.float32]) -> Field:
    """Return the coverage (0..1) of a filled polygon given in pixels of the canvas."""
    large = sheet(n)
    cv2.fillPoly(large, [np.round(points * SUPERSAMPLING).astype(np.int32).reshape(-1, 1, 2)], 255)
    return shrink(large)
