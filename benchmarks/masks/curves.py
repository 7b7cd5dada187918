"""Centre lines, and what lies beside them."""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Points = NDArray[np.float64]
"""(N, 2) xy."""


def rotated(points: Points, degrees: float) -> Points:
    """Turn points (N, 2) about the origin."""
    a = np.radians(degrees)
    return points @ np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])


def straight_line(length: float) -> Points:
    """Return a line along +x, a point every 8 px."""
    count = max(2, int(length / 8) + 1)
    return np.stack([np.linspace(0, length, count), np.zeros(count)], axis=1)


def by_heading(length: float, heading: Callable[..., Points]) -> Points:
    """Integrate a heading (radians, as a function of arc length) in steps of about a pixel."""
    count = max(8, int(length))
    at = (np.arange(count) + 0.5) * (length / count)
    angle = heading(at)
    step = length / count * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return np.vstack([[0.0, 0.0], np.cumsum(step, axis=0)])


def bent_line(rng: Generator, length: float, width: float) -> Points:
    """An arc, a wave or a wandering line; its radius stays over 1.5 widths."""
    tightest = 1 / (1.5 * width + 25)
    style = rng.integers(3)
    if style == 0:
        bend = rng.uniform(0.2, 1.0) * min(tightest, 2.6 / length)
        return by_heading(length, lambda s: bend * s)
    if style == 1:
        waves = rng.uniform(0.5, 3.0)
        swing = min(rng.uniform(0.2, 0.9), tightest * length / (2 * np.pi * waves))
        phase = rng.uniform(0, 2 * np.pi)
        return by_heading(length, lambda s: swing * np.sin(2 * np.pi * waves * s / length + phase))
    knots = max(3, int(length / rng.uniform(60, 140)) + 2)
    bends = rng.uniform(-1, 1, knots) * min(tightest, 1.6 / length * np.sqrt(knots))
    grid = np.linspace(0, length, 400)
    angle = np.cumsum(np.interp(grid, np.linspace(0, length, knots), bends)) * (length / 400)
    return by_heading(length, lambda s: np.interp(s, grid, angle))


def arc_length(points: Points) -> NDArray[np.float64]:
    """Return the arc length from the first point to each, (N,)."""
    return np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])


def normals_of(points: Points) -> Points:
    """Return the unit normal at each point, (N, 2)."""
    tangent = np.gradient(points, axis=0)
    tangent /= np.hypot(*tangent.T)[:, None]
    return np.stack([-tangent[:, 1], tangent[:, 0]], axis=1)


def smooth_noise(rng: Generator, length: NDArray[np.float64], correlation: float) -> NDArray[np.float64]:
    """Smooth noise of unit deviation along an arc, correlated over about `correlation` pixels."""
    count = int(length[-1] / correlation) + 4
    knots = rng.standard_normal(count)
    at = length / correlation
    # between knots by a cosine ramp, divided by its mean deviation
    low = np.floor(at).astype(int)
    ramp = (1 - np.cos(np.pi * (at - low))) / 2
    return (knots[low] * (1 - ramp) + knots[low + 1] * ramp) / 0.87
