"""How cracks run through masonry: along the joints, through the bricks, where the wall resists least."""

from itertools import pairwise

import cv2
import numpy as np
from skimage.graph import route_through_array

from training import cracks, paths
from training.canvas import Canvas, sheet, shrink, stroke
from training.masonry import Courses
from training.noise import Field, smooth
from training.paths import Points


def scatter(
    rng: np.random.Generator, canvas: Canvas, mortar: Field, lay: Courses | None, joint: float
) -> None:
    """Draw cracks on a wall whose joints are `mortar` and about `joint` pixels wide; `lay` where it has courses."""
    n = canvas.n
    lines: list[tuple[Points, float]] = []
    if lay is not None and rng.random() < 0.45:
        lines = through_courses(rng, n, lay)
    else:
        for _ in range(int(rng.choice([1, 1, 1, 2, 3]))):
            lines.append((weakest(rng, mortar), 1.0 if not lines else rng.uniform(0.4, 1.0)))
        if rng.random() < 0.25 and len(lines[0][0]) > 8:
            lines.append((paths.branch(rng, lines[0][0], n), rng.uniform(0.35, 0.9)))
    width = float(np.clip(rng.uniform(0.2, 1.1) * min(joint, 10) + rng.uniform(0.3, 2.2), 0.9, 14))
    look = cracks.style(rng, canvas, width)
    lost = _lost(rng, mortar, lines, joint) if rng.random() < 0.35 else None
    if rng.random() < 0.8:
        _empty(canvas, mortar, lines, width, lost)
    cracks.draw(rng, canvas, lines, look, lost)
    cracks.bridged(rng, canvas, look)


def weakest(rng: np.random.Generator, mortar: Field) -> Points:
    """Return the line of least resistance between two borders, or from a border to a place inside.

    Joints resist less than stones, by a factor that is drawn anew for each crack: at 1 it runs straight
    through, at 12 it hardly leaves the joints.
    """
    n = mortar.shape[0]
    coarse = cv2.resize(mortar, (n // 2, n // 2), interpolation=cv2.INTER_AREA)
    side = coarse.shape[0]
    strength = float(np.exp(rng.uniform(0, np.log(12))))
    cost = (1 + (strength - 1) * (1 - np.clip(1.3 * coarse, 0, 1))) * np.exp(
        rng.uniform(0.2, 0.7) * smooth(rng, side, rng.uniform(3, 8)) + 0.3 * smooth(rng, side, 25)
    )
    first, last = rng.integers(2, side - 2, 2)
    ends = [(0, int(first)), (side - 1, int(last))]
    if rng.random() < 0.3:
        ends = [(y, x) for x, y in ends]
    if rng.random() < 0.3:
        ends[1] = (int(rng.integers(side // 4, side - 2)), int(rng.integers(2, side - 2)))
    if rng.random() < 0.12:
        ends[0] = (int(rng.integers(2, side - 2)), int(rng.integers(2, side - 2)))
    route, _ = route_through_array(cost, *ends)
    if len(route) < 4:
        return np.zeros((0, 2), np.float32)
    points = np.array(route, np.float32)[:, ::-1] * 2 + 0.5
    ahead = cv2.blur(points, (1, 3), borderType=cv2.BORDER_REPLICATE)
    return np.asarray(ahead + rng.normal(0, rng.uniform(0.1, 0.7), ahead.shape), np.float32)


def _empty(
    canvas: Canvas, mortar: Field, lines: list[tuple[Points, float]], width: float, lost: Field | None
) -> None:
    """Take the bright mortar out of the joints along the cracks: a gap in it is darker than the stones too."""
    n = canvas.n
    band = sheet(n)
    for points, scale in lines:
        if len(points) > 3:
            stroke(band, points, 1.3 * width * scale + 1)
    alpha = shrink(band) if lost is None else np.maximum(shrink(band), lost)
    few = mortar[::6, ::6] < 0.3
    if not few.any():
        return
    stone = np.median(canvas.pixels[::6, ::6][few], axis=0)
    canvas.stain(alpha, np.minimum(canvas.pixels, stone.astype(np.float32)))


def _lost(rng: np.random.Generator, mortar: Field, lines: list[tuple[Points, float]], joint: float) -> Field:
    """Return where mortar fell out along the cracks: the joint stands open over its whole width."""
    n = mortar.shape[0]
    band = sheet(n)
    for points, _ in lines:
        if len(points) < 4:
            continue
        open_ = cracks.wave(rng, len(points), rng.uniform(6, 30)) > rng.uniform(-1.2, 0.8)
        stroke(band, points, np.where(open_, joint * rng.uniform(0.9, 1.7) + 1.5, 0).astype(np.float32))
    return np.clip(
        shrink(band) * np.clip(1.2 * mortar + rng.uniform(-0.5, 0.1) * smooth(rng, n, 5), 0, 1), 0, 1
    )


def _steps(rng: np.random.Generator, n: int, lay: Courses) -> Points:
    """Walk the joints: along a bed to a head joint, up it, and on; sometimes straight through a brick."""
    through = rng.choice([0.0, 0.15, 0.5, 1.0], p=[0.35, 0.35, 0.2, 0.1])
    lean = rng.choice([-1.0, 0.0, 1.0], p=[0.4, 0.2, 0.4])
    rows = int(n / lay.high) + 3
    first = int(rng.integers(0, rows)) if rng.random() < 0.3 else -1
    last = int(rng.integers(first + 2, rows + 3)) if rng.random() < 0.3 else rows
    x = (
        rng.uniform(-0.2, 1.2) * n
        if lean == 0
        else rng.uniform(-0.6, 1.0) * n
        if lean > 0
        else rng.uniform(0, 1.6) * n
    )
    nodes = [(x, lay.top + first * lay.high)]
    for row in range(first, last):
        y = lay.top + row * lay.high
        side = lay.shift[row % 2]
        if rng.random() < through:
            x += rng.normal(0, 0.08) * lay.long
        else:
            way = lean if rng.random() < 0.85 else -lean
            at = x / lay.long - side
            joint = np.ceil(at + 1e-3) if way > 0 else np.floor(at - 1e-3) if way < 0 else np.round(at)
            x = float((joint + side) * lay.long)
        nodes += [(x, y), (x + rng.normal(0, 0.02) * lay.long, y + lay.high)]
        if rng.random() < 0.06:
            x += rng.choice([-1, 1]) * lay.long * rng.integers(1, 3)
    return np.array(nodes, np.float32)


def _beds(rng: np.random.Generator, n: int, lay: Courses) -> Points:
    """Follow one bed joint, perhaps dropping a course on the way."""
    y = lay.top + int(rng.integers(0, int(n / lay.high) + 2)) * lay.high
    x, nodes = -10.0, [(-10.0, y)]
    while x < n + 10:
        x += lay.long * rng.integers(1, 7)
        nodes.append((x, y))
        if rng.random() < 0.3:
            y += rng.choice([-1, 1]) * lay.high
            nodes.append((x, y))
    return np.array(nodes, np.float32)


def through_courses(rng: np.random.Generator, n: int, lay: Courses) -> list[tuple[Points, float]]:
    """Return crack lines for a brick wall, with width factors: stepped, along beds, or through all."""
    lines: list[tuple[Points, float]] = []
    for _ in range(1 if rng.random() < 0.7 else 2):
        kind = rng.random()
        nodes = _steps(rng, n, lay) if kind < 0.66 else _beds(rng, n, lay) if kind < 0.78 else None
        if nodes is None:
            lines.append((paths.single(rng, n), 1.0))
            continue
        if rng.random() < 0.12:
            nodes = nodes[:, ::-1] * np.array([lay.long / lay.high, 1], np.float32)
        side = lay.joint * rng.uniform(-0.5, 0.5)
        pieces = [
            paths.crooked(rng, a + side, b + side, rng.uniform(0.01, 0.07), rng.uniform(0.6, 0.95))
            for a, b in pairwise(nodes)
            if np.hypot(*(b - a)) > 1
        ]
        if pieces:
            lines.append((paths.inside(np.concatenate(pieces), n), 1.0))
    return lines
