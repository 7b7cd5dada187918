"""Random fields from which surfaces, stains and ragged outlines are made."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
"""One value per pixel: (n, n) float32."""

Pixels = NDArray[np.float32]
"""A photograph in the making: (n, n, 3) float32, RGB, 0..255."""


def smooth(rng: np.random.Generator, n: int, cell_x: float, cell_y: float | None = None) -> Field:
    """Return an (n, n) field of about unit variance that varies over `cell` pixels."""
    cell_y = cell_x if cell_y is None else cell_y
    if min(cell_x, cell_y) > 12:
        # What varies this slowly need not be drawn finely.
        half = smooth(rng, (n + 1) // 2, cell_x / 2, cell_y / 2)
        return cv2.resize(half, (n, n), interpolation=cv2.INTER_LINEAR)
    rows, columns = int(n / cell_y) + 3, int(n / cell_x) + 3
    coarse = rng.standard_normal((rows, columns), dtype=np.float32)
    size = (max(n, round(columns * cell_x)), max(n, round(rows * cell_y)))
    grown = cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)
    y, x = rng.integers(0, size[1] - n + 1), rng.integers(0, size[0] - n + 1)
    return grown[y : y + n, x : x + n] * np.float32(1.3)


def fractal(rng: np.random.Generator, n: int, cells: Sequence[float], fall: float = 0.6) -> Field:
    """Return the sum of smooth fields, each `fall` times as strong as the coarser one before it."""
    total = np.zeros((n, n), np.float32)
    for octave, cell in enumerate(cells):
        total += np.float32(fall**octave) * smooth(rng, n, cell)
    return total


def grain(rng: np.random.Generator, n: int, sigma: float) -> Field:
    """Return white noise blurred by `sigma` pixels and brought back to unit variance."""
    white = rng.standard_normal((n, n), dtype=np.float32)
    if sigma < 0.35:
        return white
    soft = cv2.GaussianBlur(white, (0, 0), sigma)
    # A Gaussian of sigma pixels sums that many independent values: 1 / (2 sqrt(pi) sigma), from 0.6 px on.
    spread = 1 / (2 * np.sqrt(np.pi) * sigma) if sigma > 0.6 else float(soft.std())
    return soft * np.float32(1 / spread)


def relief(height: Field, angle: float) -> Field:
    """Return the shading of a height field by light that comes from `angle` (radians), unit variance."""
    dx = cv2.Sobel(height, cv2.CV_32F, 1, 0, ksize=3)
    dy = cv2.Sobel(height, cv2.CV_32F, 0, 1, ksize=3)
    lit = np.float32(np.cos(angle)) * dx + np.float32(np.sin(angle)) * dy
    return lit / np.float32(lit.std() + 1e-6)


def patch(rng: np.random.Generator, n: int, cell: float, fraction: float, ragged: float = 0.35) -> Field:
    """Return a soft mask (0..1) of irregular patches covering about `fraction` of the area."""
    field = (
        smooth(rng, n, cell) + ragged * smooth(rng, n, max(2.0, cell / 5)) + ragged / 2 * grain(rng, n, 1.2)
    )
    level = np.quantile(field[::4, ::4], 1 - fraction)
    return np.clip((field - level) * 4 + 0.5, 0, 1).astype(np.float32)


def cells(rng: np.random.Generator, n: int, side: float) -> tuple[NDArray[np.int32], Field]:
    """Return the Voronoi cell number of every pixel and its distance in pixels to the cell's seed."""
    count = max(2, round(n / side) + 2)
    grid = np.stack(np.meshgrid(np.arange(count), np.arange(count)), -1).reshape(-1, 2).astype(np.float32)
    points = (grid + rng.uniform(-0.45, 0.45, grid.shape)) * (n / (count - 1))
    points = np.unique(np.clip(points.round().astype(int), 0, n - 1), axis=0)
    empty = np.full((n, n), 255, np.uint8)
    empty[points[:, 1], points[:, 0]] = 0
    distance, labels = cv2.distanceTransformWithLabels(empty, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    return labels, distance


def borders(labels: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Return 255 where a pixel's right or lower neighbour belongs to another cell, else 0."""
    edge = np.zeros(labels.shape, np.uint8)
    edge[:, :-1] |= (labels[:, 1:] != labels[:, :-1]).astype(np.uint8)
    edge[:-1] |= (labels[1:] != labels[:-1]).astype(np.uint8)
    return edge * 255


def colour(rng: np.random.Generator, grey: float, saturation: float) -> NDArray[np.float32]:
    """Return an RGB colour of about the brightness `grey` (0..255); saturation 0 is grey, 1 is vivid."""
    hue = rng.uniform(0, 2 * np.pi)
    wheel = np.cos(hue - np.array([0, 2, 4]) * np.pi / 3)
    rgb = grey * (1 + saturation * (wheel - wheel @ np.array([0.3, 0.59, 0.11])))
    return np.clip(rgb, 0, 255).astype(np.float32)
