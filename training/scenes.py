"""Whole views of structures: members, panels, railings, bolts, sky, with a crack in few of them."""

import cv2
import numpy as np

from training import cracks, surfaces
from training.canvas import Canvas, polygon, sheet, shrink, stroke
from training.masonry import bricks, courses
from training.noise import Field, Pixels, colour, grain, patch, relief, smooth


def _fill(rng: np.random.Generator, n: int) -> tuple[Pixels, bool]:
    """Return what a region shows, and whether a crack may run in it."""
    kind = rng.choice(["concrete", "plaster", "steel", "dark", "sky", "green", "brick", "ground", "flat"],
                      p=[0.36, 0.13, 0.17, 0.1, 0.05, 0.06, 0.04, 0.05, 0.04])  # fmt: skip
    if kind == "concrete":
        return surfaces.concrete(rng, n), True
    if kind == "plaster":
        return surfaces.plaster(rng, n), True
    if kind == "steel":
        return surfaces.steel(rng, n), False
    if kind == "brick":
        return bricks(rng, n, courses(rng)).pixels, False
    if kind == "ground":
        return (surfaces.rubble if rng.random() < 0.6 else surfaces.asphalt)(rng, n), False
    if kind == "green":
        leaves = patch(rng, n, rng.uniform(4, 16), 0.5, 0.8)[..., None]
        light, deep = (
            np.array([0.8, 1.1, 0.5]) * rng.uniform(70, 190),
            np.array([0.5, 0.75, 0.35]) * rng.uniform(15, 60),
        )
        leafy = (
            leaves * light
            + (1 - leaves) * deep
            + rng.uniform(4, 25) * grain(rng, n, rng.uniform(0.6, 2))[..., None]
        )
        return leafy.astype(np.float32), False
    base = {"dark": rng.uniform(2, 35), "sky": rng.uniform(200, 255), "flat": rng.uniform(30, 230)}[kind]
    field = base + rng.uniform(0.5, 8) * smooth(rng, n, n / 2) + rng.uniform(0.3, 2) * grain(rng, n, 0.8)
    return (field[..., None] * (colour(rng, 150, rng.uniform(0, 0.3)) / 150)).astype(np.float32), False


def _cut(rng: np.random.Generator, n: int, depth: int, lean: float) -> list[Field]:
    """Divide the picture by straight lines, again and again; return the regions' masks (0..1)."""
    regions = [np.ones((n, n), np.float32)]
    ys, xs = np.mgrid[0:n, 0:n].astype(np.float32)
    for _ in range(depth):
        pick = int(np.argmax([r[::8, ::8].sum() * rng.uniform(0.3, 1) for r in regions]))
        region = regions.pop(pick)
        spots = np.argwhere(region[::8, ::8] > 0.5) * 8
        if len(spots) == 0:
            regions.append(region)
            continue
        y, x = spots[int(rng.integers(0, len(spots)))]
        angle = (
            lean + rng.choice([0, np.pi / 2]) + rng.normal(0, 0.12)
            if rng.random() < 0.75
            else rng.uniform(0, np.pi)
        )
        far = -np.sin(angle) * (xs - x) + np.cos(angle) * (ys - y)
        side = np.clip(far + 0.5, 0, 1)
        regions += [region * side, region * (1 - side)]
    return regions


def _rim(rng: np.random.Generator, canvas: Canvas, mask: Field) -> None:
    """Draw where two members meet: a gap, a shadow, a lit arris, dirt in the corner."""
    n = canvas.n
    inner = cv2.distanceTransform((mask > 0.5).astype(np.uint8), cv2.DIST_L2, 3)
    kind = rng.random()
    if kind < 0.45:
        gap = np.clip(rng.uniform(0.5, 4) - inner, 0, 1) * mask * (inner > 0)
        if rng.random() < 0.4:
            gap = gap * np.clip(0.6 + 0.6 * smooth(rng, n, rng.uniform(6, 30)), 0, 1)
        canvas.cover(gap.astype(np.float32), colour(rng, rng.uniform(2, 60), 0.1))
    if kind > 0.3:
        reach = rng.uniform(2, 45)
        canvas.shade((1 - mask * rng.uniform(0.1, 0.65) * np.exp(-inner / reach)).astype(np.float32))
    if kind > 0.75:
        lit = np.exp(-(((inner - 1.5) / rng.uniform(0.7, 2)) ** 2)) * mask
        canvas.add((lit * rng.uniform(10, 80)).astype(np.float32))


def bars(rng: np.random.Generator, canvas: Canvas) -> None:
    """Railings, stiffeners, pipes, slats: parallel round or flat bars across the view."""
    n = canvas.n
    angle = rng.choice([0, np.pi / 2]) + rng.normal(0, 0.2)
    along, up = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    wide = float(np.exp(rng.uniform(0.5, 3.9)))
    gap = wide * rng.uniform(1.6, 7)
    centre = rng.uniform(0, n, 2)
    large = sheet(n)
    for k in range(int(rng.integers(1, 12))):
        middle = centre + up * gap * k
        splay = rng.normal(0, 0.01) * n * up
        stroke(
            large,
            np.stack([middle - along * 1.5 * n - splay, middle + along * 1.5 * n + splay]).astype(np.float32),
            wide,
        )
    alpha = shrink(large)
    if rng.random() < 0.5:
        canvas.shade(
            1
            - rng.uniform(0.2, 0.7)
            * cv2.GaussianBlur(np.roll(alpha, rng.integers(-9, 10, 2), (0, 1)), (0, 0), rng.uniform(0.6, 5))
        )
    body = cv2.GaussianBlur(alpha, (0, 0), max(0.8, wide / 3))
    tone = colour(rng, rng.uniform(10, 230), rng.choice([0.05, 0.7]))
    face = (
        tone * (0.75 + 0.35 * body)[..., None]
        + (rng.uniform(1, 22) * relief(body, rng.uniform(0, 6.3)))[..., None]
    )
    canvas.cover(alpha, (face + rng.uniform(0.5, 5) * grain(rng, n, 0.8)[..., None]).astype(np.float32))


def bolts(rng: np.random.Generator, canvas: Canvas) -> None:
    """Rows of rivets or bolt heads with highlights and the edge of their plate."""
    n = canvas.n
    radius, gap = rng.uniform(2, 11), rng.uniform(2.6, 5)
    turn = rng.uniform(0, np.pi)
    axes = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    rows = int(rng.integers(1, 5))
    ys, xs = np.mgrid[-9:10, 0:rows]
    spots = rng.uniform(0.2, 0.8, 2) * n + np.stack([ys.ravel(), xs.ravel()], 1) @ axes * gap * radius
    large = sheet(n)
    for x, y in spots:
        cv2.circle(large, (int(4 * x), int(4 * y)), int(4 * radius), 255, -1)
    heads = shrink(large)
    canvas.shade(1 - 0.5 * np.roll(heads, (int(radius / 2) + 1, int(radius / 3)), (0, 1)) * (1 - heads))
    canvas.add(
        np.clip(relief(cv2.GaussianBlur(heads, (0, 0), radius / 3), rng.uniform(3.5, 5.5)), -4, 4)
        * rng.uniform(4, 18)
    )


def _opening(rng: np.random.Generator, canvas: Canvas) -> None:
    """A window, door, void or inset plate: a dark or bright rectangle with a frame."""
    n = canvas.n
    low = rng.uniform(-0.2, 0.8, 2) * n
    high = low + rng.uniform(0.1, 0.6, 2) * n
    corners = np.array([[low[0], low[1]], [high[0], low[1]], [high[0], high[1]], [low[0], high[1]]])
    corners = (corners + rng.normal(0, 0.02 * n, (4, 2))).astype(np.float32)
    mask = polygon(n, corners)
    inner, _ = _fill(rng, n)
    canvas.cover(mask, inner)
    _rim(rng, canvas, mask)
    large = sheet(n)
    stroke(large, np.concatenate([corners, corners[:1]]), rng.uniform(1, 9))
    canvas.cover(shrink(large), colour(rng, rng.uniform(5, 230), 0.2))


def view(rng: np.random.Generator, n: int, cracked: bool) -> Canvas:
    """Return a view of a structure; with `cracked`, a crack runs in one of its concrete members."""
    canvas = Canvas(surfaces.concrete(rng, n))
    lean = rng.normal(0, 0.2)
    family = [_fill(rng, n) for _ in range(int(rng.integers(1, 4)))]
    hosts: list[Field] = []
    masks = _cut(rng, n, int(rng.integers(1, 7)), lean)
    order = rng.permutation(len(masks))
    rims = []
    for index in order:
        mask = masks[index]
        pixels, firm = family[int(rng.integers(0, len(family)))]
        canvas.cover(mask, pixels * np.float32(rng.uniform(0.35, 1.25)))
        rims.append(mask)
        if firm and mask.mean() > 0.08:
            hosts.append(mask)
    for mask in rims:
        if rng.random() < 0.8:
            _rim(rng, canvas, mask)
    if cracked and hosts:
        host = hosts[int(rng.integers(0, len(hosts)))]
        _crack_within(rng, canvas, host)
    for prop, chance in ((bars, 0.3), (bolts, 0.16), (_opening, 0.25)):
        if rng.random() < chance:
            prop(rng, canvas)
    return canvas


def _crack_within(rng: np.random.Generator, canvas: Canvas, host: Field) -> None:
    """Draw cracks and keep only what lies on the member `host`."""
    before = canvas.pixels
    cracks.scatter(
        rng, canvas, cracks.style(rng, canvas, float(np.clip(np.exp(rng.normal(0.5, 0.45)), 0.8, 6)))
    )
    share = host[..., None]
    canvas.pixels = canvas.pixels * share + before * (1 - share)
    canvas.crack = canvas.crack * host
    canvas.trace = canvas.trace * host
