"""One ribbon round a centre line: its size, its place in a frame, its ends and its edges."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from benchmarks.masks.canvas import Canvas, area_of, axis_of
from benchmarks.masks.curves import Points, arc_length, rotated
from benchmarks.masks.sample import Sample


def sizes(rng: Generator, scale: float, widest: float = 40.0) -> tuple[float, float]:
    """A width of 1..`widest` px, thin ones as likely as thick ones, and a length of at least five widths."""
    width = float(np.exp(rng.uniform(0, np.log(widest))))
    length = float(rng.uniform(max(60.0, 5.5 * width), max(400.0, 11 * width)))
    return length * scale, width * scale


def placed_in_frame(
    canvas_points: list[Points], rng: Generator, degrees: float, extent: float
) -> tuple[list[Points], int, int]:
    """Turn curves by one angle and put them into a frame with room round them, at a sub-pixel offset."""
    turned = [rotated(points, degrees) for points in canvas_points]
    everything = np.vstack(turned)
    low, high = everything.min(axis=0) - extent, everything.max(axis=0) + extent
    shift = rng.uniform(2, 12, 2) - low
    width, height = (int(v) for v in np.ceil(high + shift + rng.uniform(2, 12, 2)))
    return [points + shift for points in turned], width, height


def any_angle(rng: Generator) -> float:
    """Any direction; one in twelve is a multiple of 45 degrees, where pixels conspire."""
    return float(rng.choice([0, 45, 90, 135])) if rng.random() < 1 / 12 else float(rng.uniform(0, 180))


def finished(
    family: str,
    rng: Generator,
    points: Points,
    left: Points,
    right: Points,
    round_ends: bool,
    ragged: float = 0.0,
) -> Sample:
    """Finish a single ribbon: place, draw, and state its truth."""
    (placed,), width, height = placed_in_frame(
        [points], rng, any_angle(rng), float(max(left.max(), right.max())) + 3
    )
    canvas = Canvas()
    canvas.ribbon(placed, left, right)
    at = arc_length(placed)
    length = float(at[-1])
    breadth = left + right
    mean = float(np.trapezoid(breadth, at) / length)
    if round_ends:
        for i in (0, -1):
            canvas.disc(placed[i], float(breadth[i] / 2))
        caps = float(np.pi / 8 * (breadth[0] ** 2 + breadth[-1] ** 2))
        total = length + float(breadth[0] + breadth[-1]) / 2
        mean = (mean * length + caps) / total
        length = total
    mask = canvas.draw(width, height)
    if ragged > 0:
        mask = fray(rng, mask, ragged)
    spread, weight = area_of(placed, breadth)
    return Sample(family, mask, length, mean, axis_of(spread, weight))


def fray(rng: Generator, mask: NDArray[np.bool_], odds: float) -> NDArray[np.bool_]:
    """Flip the pixels on both sides of the edge, each with probability `odds`."""
    padded = np.pad(mask, 1)
    near = [padded[1:-1, :-2], padded[1:-1, 2:], padded[:-2, 1:-1], padded[2:, 1:-1]]
    inner = mask & ~np.logical_and.reduce(near)
    outer = ~mask & np.logical_or.reduce(near)
    # as many pixels are lost as won on average, so that the width stays
    lose = odds * min(1.0, outer.sum() / max(1, inner.sum()))
    win = odds * min(1.0, inner.sum() / max(1, outer.sum()))
    chance = rng.random(mask.shape)
    return (mask & ~(inner & (chance < lose))) | (outer & (chance < win))


def even(points: Points, width: float) -> tuple[Points, Points]:
    """Return the half widths, left and right, of a ribbon of even width."""
    half = np.full(len(points), width / 2)
    return half, half
