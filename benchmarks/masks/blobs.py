"""Ellipses and rectangles."""

import numpy as np
from numpy.random import Generator

from benchmarks.masks.ribbon import any_angle
from benchmarks.masks.sample import Sample


def ellipse(rng: Generator, family: str, scale: float) -> Sample:
    """An ellipse, axes 8 to 60 px and up to four times that."""
    short = rng.uniform(8, 60) * scale
    long = short * rng.uniform(1.15, 4.0)
    degrees = any_angle(rng)
    side = int(long + 12)
    cx, cy = side / 2 + rng.uniform(-1, 1, 2)
    y, x = np.mgrid[:side, :side].astype(float)
    a = np.radians(degrees)
    u, v = (x - cx) * np.cos(a) - (y - cy) * np.sin(a), (x - cx) * np.sin(a) + (y - cy) * np.cos(a)
    return Sample(family, (2 * u / long) ** 2 + (2 * v / short) ** 2 <= 1, long, short, degrees)


def rectangle(rng: Generator, family: str, scale: float) -> Sample:
    """A rectangle, sides 8 to 60 px and up to four times that."""
    short = rng.uniform(8, 60) * scale
    long = short * rng.uniform(1.15, 4.0)
    degrees = any_angle(rng)
    side = int(np.hypot(long, short) + 12)
    cx, cy = side / 2 + rng.uniform(-1, 1, 2)
    y, x = np.mgrid[:side, :side].astype(float)
    a = np.radians(degrees)
    u, v = (x - cx) * np.cos(a) - (y - cy) * np.sin(a), (x - cx) * np.sin(a) + (y - cy) * np.cos(a)
    return Sample(family, (np.abs(u) <= long / 2) & (np.abs(v) <= short / 2), long, short, degrees)
