"""A flat surface with ArUco markers and dark lines on it, photographed from anywhere by a known camera."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from anomaly.geometry.scale import Scale, physical
from anomaly.types import Geometry, Image, Mask, Physical

WIDTH, HEIGHT = 1000, 760
_FINE = 3  # samples along each side of a pixel

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Printed:
    """A marker of DICT_4X4_50 with its centre at `x`, `y` on the surface; lengths in mm, `turn` in radians."""

    number: int
    x: float
    y: float
    size_mm: float
    turn: float = 0.0


@dataclass(frozen=True, slots=True)
class Crack:
    """A straight dark line on the surface, mm."""

    start: Point
    end: Point
    width_mm: float

    @property
    def length_mm(self) -> float:
        """From end to end."""
        return float(np.hypot(self.end[0] - self.start[0], self.end[1] - self.start[1]))


def camera(rng: np.random.Generator, tilt_degrees: float, distance_mm: float = 900.0) -> NDArray[np.float64]:
    """The homography from the surface (mm, origin in view) to pixels of a camera tilted any way round."""
    focal = rng.uniform(0.9, 1.4) * WIDTH
    towards, roll = rng.uniform(0, 2 * np.pi, 2)
    axis = np.array([np.cos(towards), np.sin(towards), 0.0]) * np.radians(tilt_degrees)
    rotation = np.asarray(cv2.Rodrigues(np.array([0, 0, roll]))[0]) @ np.asarray(cv2.Rodrigues(axis)[0])
    inside = np.array([[focal, 0, (WIDTH - 1) / 2], [0, focal, (HEIGHT - 1) / 2], [0, 0, 1]])
    return np.asarray(inside @ np.stack([rotation[:, 0], rotation[:, 1], [0, 0, distance_mm]], axis=1))


def pixels(homography: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where points of the surface appear."""
    mapped = np.c_[points, np.ones(len(points))] @ homography.T
    return np.asarray(mapped[:, :2] / mapped[:, 2:])


def _on_surface(
    homography: NDArray[np.float64], fine: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    inverse = np.linalg.inv(homography)
    x = (np.arange(WIDTH * fine) + 0.5) / fine - 0.5
    y = ((np.arange(HEIGHT * fine) + 0.5) / fine - 0.5)[:, None]
    depth = inverse[2, 0] * x + inverse[2, 1] * y + inverse[2, 2]
    return (
        (inverse[0, 0] * x + inverse[0, 1] * y + inverse[0, 2]) / depth,
        (inverse[1, 0] * x + inverse[1, 1] * y + inverse[1, 2]) / depth,
    )


def photograph(
    homography: NDArray[np.float64],
    markers: Sequence[Printed],
    rng: np.random.Generator,
    *,
    noise: float = 3.0,
    onto: Image | None = None,
) -> Image:
    """The photograph, each pixel the mean of nine samples, blurred by half a pixel, noisy.

    `onto` is a photograph into which these markers are put instead of onto an even ground.
    """
    x, y = _on_surface(homography, _FINE)
    ground = np.full(x.shape, 165.0, np.float32)
    if onto is not None:
        ground = np.repeat(np.repeat(onto[..., 0].astype(np.float32), _FINE, 0), _FINE, 1)
    dictionary = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50)
    modules = dictionary.markerSize + 2
    for printed in markers:
        cos, sin = np.cos(printed.turn), np.sin(printed.turn)
        u = ((x - printed.x) * cos + (y - printed.y) * sin) / printed.size_mm + 0.5
        v = ((y - printed.y) * cos - (x - printed.x) * sin) / printed.size_mm + 0.5
        ground[(u > -0.2) & (u < 1.2) & (v > -0.2) & (v < 1.2)] = 240
        inside = (u >= 0) & (u < 1) & (v >= 0) & (v < 1)
        bits = cv2.aruco.generateImageMarker(dictionary, printed.number, modules)
        black = bits[(v[inside] * modules).astype(int), (u[inside] * modules).astype(int)] == 0
        ground[inside] = np.where(black, 25, 240)
    mean = ground.reshape(HEIGHT, _FINE, WIDTH, _FINE).mean(axis=(1, 3))
    blurred = np.asarray(cv2.GaussianBlur(mean, (0, 0), 0.5)) + rng.normal(0, noise, mean.shape)
    grey = np.clip(np.rint(blurred), 0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def measured(homography: NDArray[np.float64], crack: Crack) -> tuple[Mask, Geometry]:
    """The crack's exact mask, and its geometry in pixels as an ideal measurement finds it."""
    x, y = _on_surface(homography, 1)
    dx, dy = (
        (crack.end[0] - crack.start[0]) / crack.length_mm,
        (crack.end[1] - crack.start[1]) / crack.length_mm,
    )
    along = (x - crack.start[0]) * dx + (y - crack.start[1]) * dy
    across = (y - crack.start[1]) * dx - (x - crack.start[0]) * dy
    bitmap = (along >= 0) & (along <= crack.length_mm) & (np.abs(across) <= crack.width_mm / 2)
    rows, columns = np.nonzero(bitmap)
    top, left = int(rows.min()), int(columns.min())
    mask = Mask(bitmap[top : rows.max() + 1, left : columns.max() + 1], left, top, 0.9)
    share = np.linspace(0, 1, 60)[:, None]
    line = pixels(homography, (1 - share) * np.array(crack.start) + share * np.array(crack.end))
    length = float(np.hypot(*np.diff(line, axis=0).T).sum())
    width = mask.area / length
    geometry = Geometry(
        mask.area, length, width, 0.0, width, width, 0.5, 0.2, centre_lines=(line.astype(np.float32),)
    )
    return mask, geometry


def in_mm(mask: Mask, geometry: Geometry, scale: Scale) -> Physical:
    """The measures, which there must be."""
    found = physical(geometry, mask, scale)
    assert found is not None
    return found
