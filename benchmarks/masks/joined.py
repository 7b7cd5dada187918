"""Families of several ribbons, or of one that is cut: zigzags, branches, two parts, out of the frame."""

from itertools import pairwise

import numpy as np
from numpy.random import Generator

from benchmarks.masks.canvas import Canvas, area_of, axis_of
from benchmarks.masks.curves import arc_length, bent_line, by_heading, rotated, straight_line
from benchmarks.masks.ribbon import any_angle, even, placed_in_frame, sizes
from benchmarks.masks.sample import Sample


def zigzag(rng: Generator, family: str, scale: float) -> Sample:
    """Straight legs of 25 to 110 px with turns of 25 to 95 degrees, corners mitred or round."""
    _, width = sizes(rng, scale, widest=25)
    count = int(rng.integers(3, 9))
    sides = np.maximum(rng.uniform(25, 110, count) * scale, 2.5 * width)
    turns = np.radians(rng.uniform(25, 95, count)) * np.where(np.arange(count) % 2, 1, -1)
    heading = np.cumsum(turns) - turns[0] / 2
    corners = np.vstack(
        [[0, 0], np.cumsum(sides[:, None] * np.stack([np.cos(heading), np.sin(heading)], 1), axis=0)]
    )
    (corners,), frame_width, frame_height = placed_in_frame([corners], rng, any_angle(rng), width + 3)
    canvas = Canvas()
    mitred = rng.random() < 0.5
    for a, b in pairwise(corners):
        canvas.ribbon(np.array([a, b]), *even(np.zeros((2, 2)), width))
    for before, corner, after in zip(corners, corners[1:], corners[2:], strict=False):
        if not mitred:
            canvas.disc(corner, width / 2)
            continue
        u, v = corner - before, after - corner
        u, v = u / np.hypot(*u), v / np.hypot(*v)
        outwards = (u - v) / np.hypot(*(u - v))
        half = width / 2
        n1, n2 = (n if n @ outwards > 0 else -n for n in (np.array([-u[1], u[0]]), np.array([-v[1], v[0]])))
        tip = corner + outwards * half / max(0.3, float(outwards @ n1))
        canvas.pieces.append(np.array([corner, corner + n1 * half, tip, corner + n2 * half]))
    mask = canvas.draw(frame_width, frame_height)
    dense = np.vstack([np.linspace(a, b, 60, endpoint=False) for a, b in pairwise(corners)])
    weight = np.repeat(sides, 60)
    return Sample(family, mask, float(sides.sum()), float(mask.sum() / sides.sum()), axis_of(dense, weight))


def branching(rng: Generator, family: str, scale: float) -> Sample:
    """A trunk with one to three branches that leave it at 35 to 90 degrees."""
    length, width = sizes(rng, scale, widest=25)
    length = max(length, 150 * scale)
    trunk = by_heading(length, lambda s: 0 * s) if rng.random() < 0.5 else bent_line(rng, length, width)
    curves, widths = [trunk], [width]
    count = int(rng.integers(1, 4))
    places = np.linspace(0.2, 0.8, count) + rng.uniform(-0.06, 0.06, count)
    for place in places:
        i = int(place * (len(trunk) - 1))
        thin = max(1.0, width * rng.uniform(0.4, 1.0))
        reach = rng.uniform(max(30 * scale, 2.5 * width), max(120 * scale, 4 * width))
        bend = float(rng.uniform(-0.5, 0.5)) / reach  # gentle, so that a branch does not return to its trunk
        branch = by_heading(reach, lambda s, bend=bend: bend * s)
        ahead = trunk[min(i + 1, len(trunk) - 1)] - trunk[i - 1]
        side = rng.choice([-1, 1]) * rng.uniform(35, 90)
        facing = -np.degrees(np.arctan2(ahead[1], ahead[0])) + side
        first = branch[1] - branch[0]
        curves.append(trunk[i] + rotated(branch, facing + np.degrees(np.arctan2(first[1], first[0]))))
        widths.append(thin)
    placed, frame_width, frame_height = placed_in_frame(curves, rng, any_angle(rng), width + 3)
    canvas = Canvas()
    for points, breadth in zip(placed, widths, strict=True):
        canvas.ribbon(points, *even(points, breadth))
    mask = canvas.draw(frame_width, frame_height)
    total = float(sum(arc_length(points)[-1] for points in placed))
    spreads = [area_of(points, np.full(len(points), b)) for points, b in zip(placed, widths, strict=True)]
    axis = axis_of(np.vstack([s for s, _ in spreads]), np.concatenate([w for _, w in spreads]))
    return Sample(family, mask, total, float(mask.sum() / total), axis)


def two_parts(rng: Generator, family: str, scale: float) -> Sample:
    """One line with a gap in it."""
    length, width = sizes(rng, scale, widest=25)
    gap = max(4.0 * scale, 0.6 * width) * rng.uniform(1, 3)
    length = max(length, 12 * width) + gap
    points = by_heading(length, lambda s: 0 * s) if rng.random() < 0.5 else bent_line(rng, length, width)
    (placed,), frame_width, frame_height = placed_in_frame([points], rng, any_angle(rng), width + 3)
    at = arc_length(placed)
    middle = rng.uniform(0.42, 0.58) * length
    canvas = Canvas()
    total, spreads = 0.0, []
    for start, end in ((0.0, middle - gap / 2), (middle + gap / 2, length)):
        inside = np.concatenate([[start], at[(at > start + 0.2) & (at < end - 0.2)], [end]])
        part = np.stack([np.interp(inside, at, placed[:, i]) for i in (0, 1)], axis=1)
        canvas.ribbon(part, *even(part, width))
        total += float(arc_length(part)[-1])
        spreads.append(area_of(part, np.full(len(part), width)))
    axis = axis_of(np.vstack([s for s, _ in spreads]), np.concatenate([w for _, w in spreads]))
    return Sample(family, canvas.draw(frame_width, frame_height), total, width, axis)


def border(rng: Generator, family: str, scale: float) -> Sample:
    """A line that leaves the frame at one end or at both, at 35..90 degrees to the edge."""
    while True:
        length, width = sizes(rng, scale)
        points = straight_line(length) if rng.random() < 0.5 else bent_line(rng, length, width)
        (placed,), frame_width, frame_height = placed_in_frame([points], rng, any_angle(rng), width + 3)
        dense = np.stack(
            [np.interp(np.arange(0, length, 0.05), arc_length(placed), placed[:, i]) for i in (0, 1)], 1
        )
        span = dense.max(axis=0) - dense.min(axis=0)
        axis = int(np.argmax(span))
        low = dense[:, axis].min() + rng.uniform(0.1, 0.3) * span[axis]
        high = dense[:, axis].max() - (
            rng.uniform(0.1, 0.3) * span[axis] if rng.random() < 0.5 else -width - 3
        )
        low, high = float(np.round(low)), float(np.round(high))
        inside = (dense[:, axis] >= low - 0.5) & (dense[:, axis] <= high - 0.5)
        runs = np.flatnonzero(np.diff(np.concatenate([[0], inside.astype(int), [0]])))
        if len(runs) != 2 or inside.sum() * 0.05 < max(50.0, 5.2 * width):
            continue
        first, last = runs[0], runs[1] - 1
        steep = True
        for end, away in ((first, max(0, first - 40)), (last, min(len(dense) - 1, last + 40))):
            step = np.abs(dense[end] - dense[away])
            if end not in (0, len(dense) - 1):
                steep &= bool(step[axis] > 0.6 * np.hypot(*step))
        # what bulges back into the frame beyond the cut would be a second part
        if not steep:
            continue
        canvas = Canvas()
        canvas.ribbon(placed, *even(placed, width))
        mask = canvas.draw(frame_width, frame_height)
        cut = (
            (slice(int(low), int(high)), slice(None))
            if axis == 1
            else (slice(None), slice(int(low), int(high)))
        )
        mask = np.ascontiguousarray(mask[cut])
        kept = dense[first : last + 1]
        y, x = np.nonzero(mask)
        centre_line_length = len(kept) * 0.05
        pixels = np.stack([x, y], axis=1).astype(float)
        return Sample(family, mask, centre_line_length, width, axis_of(pixels, np.ones(len(pixels))))
