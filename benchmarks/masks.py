"""Exact masks of known shapes: the ground on which the geometry is judged.

A pixel is set when its centre lies inside the analytic shape. Every shape is drawn from a numbered
seed, and its truth is computed from the curve it was drawn from, never from the pixels, but for one
figure: the area of shapes that overlap themselves (branches, corners), which is counted.

Truth of a line: the arc length of its centre line from tip to tip, inside the frame (a round end
reaches half a width past the last point of the curve); its mean width, area / length; the principal
axis of the shape. Truth of a blob: its sides or its axes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Points = NDArray[np.float64]
"""(N, 2) xy."""

GROUPS: dict[str, tuple[str, ...]] = {
    "core": ("straight", "curved", "rough", "ragged", "two_parts", "border", "one_pixel"),
    "hard": ("taper", "varying", "zigzag", "branching"),
    "blobs": ("ellipse", "rectangle"),
}


@dataclass(frozen=True, slots=True)
class Sample:
    """One mask (H, W) bool with the truth about it, in pixels and degrees."""

    family: str
    mask: NDArray[np.bool_]
    length: float
    width: float
    orientation: float


def sample(family: str, seed: int, scale: float = 1.0) -> Sample:
    """Draw one mask of `family`; the same seed gives the same mask. `scale` multiplies every size."""
    rng = np.random.default_rng([seed, sorted(_FAMILIES).index(family)])
    return _FAMILIES[family](rng, family, scale)


def degrade(mask: NDArray[np.bool_], cell: float, seed: int) -> NDArray[np.bool_]:
    """Return `mask` as a decoder would draw it that decides on cells of `cell` pixels a side.

    Each cell takes the share of it that is covered, softened over its neighbours (by 0.2 to 0.7 cells, as one decoder
    differs from another) and with noise (0.02 to 0.12), as the logits of a network are; these are interpolated to
    pixels and cut at a half.
    """
    rng = np.random.default_rng([seed, round(1000 * cell)])
    height, width = mask.shape
    rows, columns = (int(np.ceil(side / cell)) + 3 for side in (height, width))
    shift = rng.uniform(1, 2, 2) * cell  # where the grid falls on the mask, and a ring of cells round it
    # coverage of a cell: mean of 8 x 8 samples of it or more
    fine = max(8, int(np.ceil(2 * cell)))
    at = (np.arange(fine * max(rows, columns)) + 0.5) / fine * cell
    x, y = np.rint(at[: fine * columns] - shift[0] - 0.5), np.rint(at[: fine * rows] - shift[1] - 0.5)
    # beyond the frame the photograph is not known: its outermost pixels go on
    x, y = np.clip(x, 0, width - 1).astype(int), np.clip(y, 0, height - 1).astype(int)
    share = mask[np.ix_(y, x)].reshape(rows, fine, columns, fine).mean(axis=(1, 3))
    logits = cv2.GaussianBlur(share, (0, 0), rng.uniform(0.2, 0.7)) - 0.5
    logits += rng.uniform(0.02, 0.12) * rng.standard_normal(share.shape)
    px = ((np.arange(width) + 0.5 + shift[0]) / cell - 0.5).astype(np.float32)
    py = ((np.arange(height) + 0.5 + shift[1]) / cell - 0.5).astype(np.float32)
    grid_x, grid_y = np.meshgrid(px, py)
    drawn = cv2.remap(
        logits.astype(np.float32), grid_x, grid_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(drawn > 0, np.bool_)


def angle_between(a: float, b: float) -> float:
    """Return how far two axes are apart, degrees, 0..90."""
    apart = abs(a - b) % 180.0
    return min(apart, 180.0 - apart)


# --- curves ---------------------------------------------------------------------------------------


def _turn(points: Points, degrees: float) -> Points:
    a = np.radians(degrees)
    return points @ np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])


def _straight(length: float) -> Points:
    count = max(2, int(length / 8) + 1)
    return np.stack([np.linspace(0, length, count), np.zeros(count)], axis=1)


def _by_heading(length: float, heading: Callable[..., Points]) -> Points:
    """Integrate a heading (radians, as a function of arc length) in steps of about a pixel."""
    count = max(8, int(length))
    at = (np.arange(count) + 0.5) * (length / count)
    angle = heading(at)
    step = length / count * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return np.vstack([[0.0, 0.0], np.cumsum(step, axis=0)])


def _curve(rng: Generator, length: float, width: float) -> Points:
    """An arc, a wave or a wandering line; its radius stays over 1.5 widths."""
    tightest = 1 / (1.5 * width + 25)
    style = rng.integers(3)
    if style == 0:
        bend = rng.uniform(0.2, 1.0) * min(tightest, 2.6 / length)
        return _by_heading(length, lambda s: bend * s)
    if style == 1:
        waves = rng.uniform(0.5, 3.0)
        swing = min(rng.uniform(0.2, 0.9), tightest * length / (2 * np.pi * waves))
        phase = rng.uniform(0, 2 * np.pi)
        return _by_heading(length, lambda s: swing * np.sin(2 * np.pi * waves * s / length + phase))
    knots = max(3, int(length / rng.uniform(60, 140)) + 2)
    bends = rng.uniform(-1, 1, knots) * min(tightest, 1.6 / length * np.sqrt(knots))
    grid = np.linspace(0, length, 400)
    angle = np.cumsum(np.interp(grid, np.linspace(0, length, knots), bends)) * (length / 400)
    return _by_heading(length, lambda s: np.interp(s, grid, angle))


def _arc_length(points: Points) -> NDArray[np.float64]:
    return np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])


def _normals(points: Points) -> Points:
    tangent = np.gradient(points, axis=0)
    tangent /= np.hypot(*tangent.T)[:, None]
    return np.stack([-tangent[:, 1], tangent[:, 0]], axis=1)


def _noise(rng: Generator, length: NDArray[np.float64], correlation: float) -> NDArray[np.float64]:
    """Smooth noise of unit deviation along an arc, correlated over about `correlation` pixels."""
    count = int(length[-1] / correlation) + 4
    knots = rng.standard_normal(count)
    at = length / correlation
    # between knots by a cosine ramp, divided by its mean deviation
    low = np.floor(at).astype(int)
    ramp = (1 - np.cos(np.pi * (at - low))) / 2
    return (knots[low] * (1 - ramp) + knots[low + 1] * ramp) / 0.87


# --- drawing --------------------------------------------------------------------------------------


class _Canvas:
    """Collects convex pieces and discs; `draw` sets the pixels whose centres lie in any of them."""

    def __init__(self) -> None:
        self.pieces: list[Points] = []
        self.discs: list[tuple[float, float, float]] = []

    def ribbon(self, points: Points, left: Points, right: Points, normals: Points | None = None) -> None:
        normal = _normals(points) if normals is None else normals
        a, b = points + normal * left[:, None], points - normal * right[:, None]
        for i in range(len(points) - 1):
            self.pieces.append(np.array([a[i], a[i + 1], b[i + 1], b[i]]))

    def disc(self, centre: Points, radius: float) -> None:
        self.discs.append((float(centre[0]), float(centre[1]), radius))

    def extent(self) -> Points:
        low = [p.min(axis=0) for p in self.pieces] + [np.array([x - r, y - r]) for x, y, r in self.discs]
        high = [p.max(axis=0) for p in self.pieces] + [np.array([x + r, y + r]) for x, y, r in self.discs]
        return np.array([np.min(low, axis=0), np.max(high, axis=0)])

    def draw(self, width: int, height: int) -> NDArray[np.bool_]:
        mask = np.zeros((height, width), bool)
        for piece in self.pieces:
            window = _window(piece.min(axis=0), piece.max(axis=0), width, height)
            if window is None:
                continue
            rows, columns, x, y = window
            edge = np.roll(piece, -1, axis=0) - piece
            side = [e[0] * (y - p[1]) - e[1] * (x - p[0]) for p, e in zip(piece, edge, strict=True)]
            mask[rows, columns] |= np.logical_and.reduce([s >= 0 for s in side])
            mask[rows, columns] |= np.logical_and.reduce([s <= 0 for s in side])
        for cx, cy, r in self.discs:
            window = _window(np.array([cx - r, cy - r]), np.array([cx + r, cy + r]), width, height)
            if window is not None:
                rows, columns, x, y = window
                mask[rows, columns] |= (x - cx) ** 2 + (y - cy) ** 2 <= r * r
        return mask


def _window(low: Points, high: Points, width: int, height: int) -> tuple[slice, slice, Points, Points] | None:
    x0, y0 = max(0, int(np.floor(low[0]))), max(0, int(np.floor(low[1])))
    x1, y1 = min(width, int(np.ceil(high[0])) + 1), min(height, int(np.ceil(high[1])) + 1)
    if x0 >= x1 or y0 >= y1:
        return None
    x, y = np.meshgrid(np.arange(x0, x1, dtype=float), np.arange(y0, y1, dtype=float))
    return slice(y0, y1), slice(x0, x1), x, y


def _axis_of(points: Points, weight: Points) -> float:
    """Return the principal axis of weighted points, degrees, counter-clockwise as seen on the screen."""
    centred = points - np.average(points, axis=0, weights=weight)
    xx, yy, xy = (np.sum(weight * centred[:, i] * centred[:, j]) for i, j in ((0, 0), (1, 1), (0, 1)))
    return float(np.degrees(0.5 * np.arctan2(-2 * xy, xx - yy)) % 180)


def _spread(points: Points, width: Points) -> tuple[Points, Points]:
    """Sample a ribbon's own area: points across it and their weights, for the principal axis."""
    at = _arc_length(points)
    weight = np.gradient(at) * width
    normal = _normals(points)
    across = np.linspace(-0.5, 0.5, 15)
    spread = points[:, None] + normal[:, None] * (across[None, :, None] * width[:, None, None])
    return spread.reshape(-1, 2), np.repeat(weight, 15)


# --- families -------------------------------------------------------------------------------------


def _sizes(rng: Generator, scale: float, widest: float = 40.0) -> tuple[float, float]:
    """A width of 1..`widest` px, thin ones as likely as thick ones, and a length of at least five widths."""
    width = float(np.exp(rng.uniform(0, np.log(widest))))
    length = float(rng.uniform(max(60.0, 5.5 * width), max(400.0, 11 * width)))
    return length * scale, width * scale


def _place(
    canvas_points: list[Points], rng: Generator, degrees: float, extent: float
) -> tuple[list[Points], int, int]:
    """Turn curves by one angle and put them into a frame with room round them, at a sub-pixel offset."""
    turned = [_turn(points, degrees) for points in canvas_points]
    everything = np.vstack(turned)
    low, high = everything.min(axis=0) - extent, everything.max(axis=0) + extent
    shift = rng.uniform(2, 12, 2) - low
    width, height = (int(v) for v in np.ceil(high + shift + rng.uniform(2, 12, 2)))
    return [points + shift for points in turned], width, height


def _any_angle(rng: Generator) -> float:
    """Any direction; one in twelve is a multiple of 45 degrees, where pixels conspire."""
    return float(rng.choice([0, 45, 90, 135])) if rng.random() < 1 / 12 else float(rng.uniform(0, 180))


def _line(
    family: str,
    rng: Generator,
    points: Points,
    left: Points,
    right: Points,
    round_ends: bool,
    ragged: float = 0.0,
) -> Sample:
    """Finish a single ribbon: place, draw, and state its truth."""
    (placed,), width, height = _place([points], rng, _any_angle(rng), float(max(left.max(), right.max())) + 3)
    canvas = _Canvas()
    canvas.ribbon(placed, left, right)
    at = _arc_length(placed)
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
        mask = _fray(rng, mask, ragged)
    spread, weight = _spread(placed, breadth)
    return Sample(family, mask, length, mean, _axis_of(spread, weight))


def _fray(rng: Generator, mask: NDArray[np.bool_], odds: float) -> NDArray[np.bool_]:
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


def _even(points: Points, width: float) -> tuple[Points, Points]:
    half = np.full(len(points), width / 2)
    return half, half


def _make_straight(rng: Generator, family: str, scale: float) -> Sample:
    length, width = _sizes(rng, scale)
    points = _straight(length)
    return _line(family, rng, points, *_even(points, width), round_ends=rng.random() < 0.3)


def _make_curved(rng: Generator, family: str, scale: float) -> Sample:
    length, width = _sizes(rng, scale)
    points = _curve(rng, length, width)
    return _line(family, rng, points, *_even(points, width), round_ends=rng.random() < 0.3)


def _make_rough(rng: Generator, family: str, scale: float) -> Sample:
    """Both edges wander, each for itself, by a tenth to a fifth of the half width."""
    length, width = _sizes(rng, scale)
    width = max(width, 3 * scale)
    points = _by_heading(length, lambda s: 0 * s) if rng.random() < 0.5 else _curve(rng, length, width)
    at = _arc_length(points)
    correlation, depth = rng.uniform(4, 16), rng.uniform(0.1, 0.2) * width / 2
    left, right = (np.maximum(0.3, width / 2 + depth * _noise(rng, at, correlation)) for _ in range(2))
    return _line(family, rng, points, left, right, round_ends=False)


def _make_ragged(rng: Generator, family: str, scale: float) -> Sample:
    """Edge pixels are lost and won at random, or every pixel of the edge is displaced for itself."""
    length, width = _sizes(rng, scale)
    width = max(width, 4 * scale)
    points = _by_heading(length, lambda s: 0 * s) if rng.random() < 0.5 else _curve(rng, length, width)
    if rng.random() < 0.6:
        return _line(
            family, rng, points, *_even(points, width), round_ends=False, ragged=rng.uniform(0.2, 0.5)
        )
    depth = rng.uniform(0.5, 1.5)
    left, right = (width / 2 + rng.uniform(-depth, depth, len(points)) for _ in range(2))
    return _line(family, rng, points, left, right, round_ends=False)


def _make_taper(rng: Generator, family: str, scale: float) -> Sample:
    length, width = _sizes(rng, scale)
    width = max(width, 4 * scale)
    points = _by_heading(length, lambda s: 0 * s) if rng.random() < 0.5 else _curve(rng, length, width)
    half = np.linspace(width, width * rng.uniform(0.0, 0.5), len(points)) / 2
    return _line(family, rng, points, half, half, round_ends=False)


def _make_varying(rng: Generator, family: str, scale: float) -> Sample:
    length, width = _sizes(rng, scale)
    width = max(width, 4 * scale)
    points = _by_heading(length, lambda s: 0 * s) if rng.random() < 0.5 else _curve(rng, length, width)
    at = _arc_length(points) / length
    swell = 1 + rng.uniform(0.2, 0.5) * np.sin(2 * np.pi * rng.uniform(0.7, 3) * at + rng.uniform(0, 6.3))
    return _line(family, rng, points, width / 2 * swell, width / 2 * swell, round_ends=rng.random() < 0.3)


def _make_one_pixel(rng: Generator, family: str, scale: float) -> Sample:
    length = float(rng.uniform(60, 400)) * scale
    points = _straight(length) if rng.random() < 0.5 else _curve(rng, length, 1.0)
    return _line(family, rng, points, *_even(points, 1.0), round_ends=False)


def _make_zigzag(rng: Generator, family: str, scale: float) -> Sample:
    _, width = _sizes(rng, scale, widest=25)
    count = int(rng.integers(3, 9))
    sides = np.maximum(rng.uniform(25, 110, count) * scale, 2.5 * width)
    turns = np.radians(rng.uniform(25, 95, count)) * np.where(np.arange(count) % 2, 1, -1)
    heading = np.cumsum(turns) - turns[0] / 2
    corners = np.vstack(
        [[0, 0], np.cumsum(sides[:, None] * np.stack([np.cos(heading), np.sin(heading)], 1), axis=0)]
    )
    (corners,), frame_width, frame_height = _place([corners], rng, _any_angle(rng), width + 3)
    canvas = _Canvas()
    mitred = rng.random() < 0.5
    for a, b in pairwise(corners):
        canvas.ribbon(np.array([a, b]), *_even(np.zeros((2, 2)), width))
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
    return Sample(family, mask, float(sides.sum()), float(mask.sum() / sides.sum()), _axis_of(dense, weight))


def _make_branching(rng: Generator, family: str, scale: float) -> Sample:
    length, width = _sizes(rng, scale, widest=25)
    length = max(length, 150 * scale)
    trunk = _by_heading(length, lambda s: 0 * s) if rng.random() < 0.5 else _curve(rng, length, width)
    curves, widths = [trunk], [width]
    count = int(rng.integers(1, 4))
    places = np.linspace(0.2, 0.8, count) + rng.uniform(-0.06, 0.06, count)
    for place in places:
        i = int(place * (len(trunk) - 1))
        thin = max(1.0, width * rng.uniform(0.4, 1.0))
        reach = rng.uniform(max(30 * scale, 2.5 * width), max(120 * scale, 4 * width))
        bend = float(rng.uniform(-0.5, 0.5)) / reach  # gentle, so that a branch does not return to its trunk
        branch = _by_heading(reach, lambda s, bend=bend: bend * s)
        ahead = trunk[min(i + 1, len(trunk) - 1)] - trunk[i - 1]
        side = rng.choice([-1, 1]) * rng.uniform(35, 90)
        facing = -np.degrees(np.arctan2(ahead[1], ahead[0])) + side
        first = branch[1] - branch[0]
        curves.append(trunk[i] + _turn(branch, facing + np.degrees(np.arctan2(first[1], first[0]))))
        widths.append(thin)
    placed, frame_width, frame_height = _place(curves, rng, _any_angle(rng), width + 3)
    canvas = _Canvas()
    for points, breadth in zip(placed, widths, strict=True):
        canvas.ribbon(points, *_even(points, breadth))
    mask = canvas.draw(frame_width, frame_height)
    total = float(sum(_arc_length(points)[-1] for points in placed))
    spreads = [_spread(points, np.full(len(points), b)) for points, b in zip(placed, widths, strict=True)]
    axis = _axis_of(np.vstack([s for s, _ in spreads]), np.concatenate([w for _, w in spreads]))
    return Sample(family, mask, total, float(mask.sum() / total), axis)


def _make_two_parts(rng: Generator, family: str, scale: float) -> Sample:
    """One line with a gap in it."""
    length, width = _sizes(rng, scale, widest=25)
    gap = max(4.0 * scale, 0.6 * width) * rng.uniform(1, 3)
    length = max(length, 12 * width) + gap
    points = _by_heading(length, lambda s: 0 * s) if rng.random() < 0.5 else _curve(rng, length, width)
    (placed,), frame_width, frame_height = _place([points], rng, _any_angle(rng), width + 3)
    at = _arc_length(placed)
    middle = rng.uniform(0.42, 0.58) * length
    canvas = _Canvas()
    total, spreads = 0.0, []
    for start, end in ((0.0, middle - gap / 2), (middle + gap / 2, length)):
        inside = np.concatenate([[start], at[(at > start + 0.2) & (at < end - 0.2)], [end]])
        part = np.stack([np.interp(inside, at, placed[:, i]) for i in (0, 1)], axis=1)
        canvas.ribbon(part, *_even(part, width))
        total += float(_arc_length(part)[-1])
        spreads.append(_spread(part, np.full(len(part), width)))
    axis = _axis_of(np.vstack([s for s, _ in spreads]), np.concatenate([w for _, w in spreads]))
    return Sample(family, canvas.draw(frame_width, frame_height), total, width, axis)


def _make_border(rng: Generator, family: str, scale: float) -> Sample:
    """A line that leaves the frame at one end or at both, at 35..90 degrees to the edge."""
    while True:
        length, width = _sizes(rng, scale)
        points = _straight(length) if rng.random() < 0.5 else _curve(rng, length, width)
        (placed,), frame_width, frame_height = _place([points], rng, _any_angle(rng), width + 3)
        dense = np.stack(
            [np.interp(np.arange(0, length, 0.05), _arc_length(placed), placed[:, i]) for i in (0, 1)], 1
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
        canvas = _Canvas()
        canvas.ribbon(placed, *_even(placed, width))
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
        return Sample(family, mask, centre_line_length, width, _axis_of(pixels, np.ones(len(pixels))))


def _make_ellipse(rng: Generator, family: str, scale: float) -> Sample:
    short = rng.uniform(8, 60) * scale
    long = short * rng.uniform(1.15, 4.0)
    degrees = _any_angle(rng)
    side = int(long + 12)
    cx, cy = side / 2 + rng.uniform(-1, 1, 2)
    y, x = np.mgrid[:side, :side].astype(float)
    a = np.radians(degrees)
    u, v = (x - cx) * np.cos(a) - (y - cy) * np.sin(a), (x - cx) * np.sin(a) + (y - cy) * np.cos(a)
    return Sample(family, (2 * u / long) ** 2 + (2 * v / short) ** 2 <= 1, long, short, degrees)


def _make_rectangle(rng: Generator, family: str, scale: float) -> Sample:
    short = rng.uniform(8, 60) * scale
    long = short * rng.uniform(1.15, 4.0)
    degrees = _any_angle(rng)
    side = int(np.hypot(long, short) + 12)
    cx, cy = side / 2 + rng.uniform(-1, 1, 2)
    y, x = np.mgrid[:side, :side].astype(float)
    a = np.radians(degrees)
    u, v = (x - cx) * np.cos(a) - (y - cy) * np.sin(a), (x - cx) * np.sin(a) + (y - cy) * np.cos(a)
    return Sample(family, (np.abs(u) <= long / 2) & (np.abs(v) <= short / 2), long, short, degrees)


_FAMILIES: dict[str, Callable[[Generator, str, float], Sample]] = {
    "straight": _make_straight,
    "curved": _make_curved,
    "rough": _make_rough,
    "ragged": _make_ragged,
    "two_parts": _make_two_parts,
    "border": _make_border,
    "one_pixel": _make_one_pixel,
    "taper": _make_taper,
    "varying": _make_varying,
    "zigzag": _make_zigzag,
    "branching": _make_branching,
    "ellipse": _make_ellipse,
    "rectangle": _make_rectangle,
}
