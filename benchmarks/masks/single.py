"""Families of one ribbon: straight, curved, rough, ragged, tapering, varying, one pixel wide."""

import numpy as np
from numpy.random import Generator

from benchmarks.masks.curves import arc_length, bent_line, by_heading, smooth_noise, straight_line
from benchmarks.masks.ribbon import even, finished, sizes
from benchmarks.masks.sample import Sample


def straight(rng: Generator, family: str, scale: float) -> Sample:
    """A bar of even width."""
    length, width = sizes(rng, scale)
    points = straight_line(length)
    return finished(family, rng, points, *even(points, width), round_ends=rng.random() < 0.3)


def curved(rng: Generator, family: str, scale: float) -> Sample:
    """A bent ribbon of even width."""
    length, width = sizes(rng, scale)
    points = bent_line(rng, length, width)
    return finished(family, rng, points, *even(points, width), round_ends=rng.random() < 0.3)


def rough(rng: Generator, family: str, scale: float) -> Sample:
    """Both edges wander, each for itself, by a tenth to a fifth of the half width."""
    length, width = sizes(rng, scale)
    width = max(width, 3 * scale)
    points = by_heading(length, lambda s: 0 * s) if rng.random() < 0.5 else bent_line(rng, length, width)
    at = arc_length(points)
    correlation, depth = rng.uniform(4, 16), rng.uniform(0.1, 0.2) * width / 2
    left, right = (np.maximum(0.3, width / 2 + depth * smooth_noise(rng, at, correlation)) for _ in range(2))
    return finished(family, rng, points, left, right, round_ends=False)


def ragged(rng: Generator, family: str, scale: float) -> Sample:
    """Edge pixels are lost and won at random, or every pixel of the edge is displaced for itself."""
    length, width = sizes(rng, scale)
    width = max(width, 4 * scale)
    points = by_heading(length, lambda s: 0 * s) if rng.random() < 0.5 else bent_line(rng, length, width)
    if rng.random() < 0.6:
        return finished(
            family, rng, points, *even(points, width), round_ends=False, ragged=rng.uniform(0.2, 0.5)
        )
    depth = rng.uniform(0.5, 1.5)
    left, right = (width / 2 + rng.uniform(-depth, depth, len(points)) for _ in range(2))
    return finished(family, rng, points, left, right, round_ends=False)


def taper(rng: Generator, family: str, scale: float) -> Sample:
    """A ribbon that loses half to all of its width."""
    length, width = sizes(rng, scale)
    width = max(width, 4 * scale)
    points = by_heading(length, lambda s: 0 * s) if rng.random() < 0.5 else bent_line(rng, length, width)
    half = np.linspace(width, width * rng.uniform(0.0, 0.5), len(points)) / 2
    return finished(family, rng, points, half, half, round_ends=False)


def varying(rng: Generator, family: str, scale: float) -> Sample:
    """A ribbon that swells and shrinks along its length."""
    length, width = sizes(rng, scale)
    width = max(width, 4 * scale)
    points = by_heading(length, lambda s: 0 * s) if rng.random() < 0.5 else bent_line(rng, length, width)
    at = arc_length(points) / length
    swell = 1 + rng.uniform(0.2, 0.5) * np.sin(2 * np.pi * rng.uniform(0.7, 3) * at + rng.uniform(0, 6.3))
    return finished(family, rng, points, width / 2 * swell, width / 2 * swell, round_ends=rng.random() < 0.3)


def one_pixel(rng: Generator, family: str, scale: float) -> Sample:
    """A line one pixel wide."""
    length = float(rng.uniform(60, 400)) * scale
    points = straight_line(length) if rng.random() < 0.5 else bent_line(rng, length, 1.0)
    return finished(family, rng, points, *even(points, 1.0), round_ends=False)
