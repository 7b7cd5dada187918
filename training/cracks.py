"""Cracks, with the truth about where they are."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from training import paths
from training.canvas import Canvas, Line, sheet, shrink, stroke
from training.noise import Field, grain, smooth
from training.paths import Points


@dataclass(frozen=True, slots=True)
class Style:
    """What the cracks of one photograph have in common."""

    width: float
    drop: float
    """Grey levels from the surface to the crack's floor."""
    soft: float
    ragged: float
    gaps: float
    taper: bool
    halo: float
    lip: float
    light: float
    filled: bool


def style(rng: np.random.Generator, canvas: Canvas, width: float | None = None) -> Style:
    """Choose how the cracks look on this surface; `width` in pixels."""
    grey = canvas.pixels.mean(2)
    texture = float((grey - cv2.blur(grey, (9, 9))).std())
    mean = float(grey.mean())
    kind = rng.random()
    if kind < 0.5:
        drop = rng.uniform(35, 160)
    elif kind < 0.8:
        drop = mean * rng.uniform(0.15, 0.75)
    else:
        drop = max(9.0, texture * rng.uniform(1.3, 4))
    if width is None:
        width = float(np.clip(np.exp(rng.normal(0.85, 0.55)), 0.8, 12))
    return Style(
        width=width,
        drop=min(drop, 0.92 * mean),
        soft=rng.uniform(0, 0.9) if rng.random() < 0.6 else 0.0,
        ragged=rng.uniform(0, 0.55) * min(1.0, 3.5 / width),
        gaps=rng.uniform(0.02, 0.22) if rng.random() < 0.45 else 0.0,
        taper=rng.random() < 0.55,
        halo=rng.uniform(4, 28) * rng.choice([1, 1, -0.6]) if rng.random() < 0.28 else 0.0,
        lip=rng.uniform(10, 60) if rng.random() < 0.3 else 0.0,
        light=rng.uniform(0, 2 * np.pi),
        filled=width > 4.5 and rng.random() < 0.3,
    )


def wave(rng: np.random.Generator, count: int, cell: float) -> NDArray[np.float32]:
    """Return smooth unit noise along a line of `count` points."""
    knots = rng.standard_normal(int(count / cell) + 4)
    return np.interp(np.arange(count) / cell + rng.uniform(0, 2), np.arange(len(knots)), knots).astype(
        np.float32
    )


def widths_along(rng: np.random.Generator, count: int, look: Style, scale: float) -> NDArray[np.float32]:
    """Return the widths of a line of `count` points, pixels: wavering, ragged, perhaps tapering."""
    widths = look.width * scale * np.exp(0.35 * wave(rng, count, 20) + look.ragged * wave(rng, count, 1.6))
    if look.taper and count > 8:
        reach = np.linspace(0, 1, count)
        taper = np.minimum(1, reach / rng.uniform(0.05, 0.6))
        widths *= 0.3 + 0.7 * (taper if rng.random() < 0.5 else taper[::-1])
    return widths.astype(np.float32)


def draw(
    rng: np.random.Generator,
    canvas: Canvas,
    lines: list[tuple[Points, float]],
    look: Style,
    lost: Field | None = None,
) -> None:
    """Draw cracks along `lines` (centre line and width factor) and enter them into the canvas's truth.

    `lost` (n, n), 0..1, is what else stands open beside them, such as joints without their mortar.
    """
    n = canvas.n
    dark, truth = sheet(n), sheet(n)
    for points, scale in lines:
        if len(points) < 4:
            continue
        widths = widths_along(rng, len(points), look, scale)
        drawn = points.copy()
        step = np.gradient(points, axis=0)
        normal = np.stack([-step[:, 1], step[:, 0]], 1) / (np.linalg.norm(step, axis=1, keepdims=True) + 1e-6)
        drawn += normal * (look.ragged * 0.5 * widths * wave(rng, len(points), 1.3))[:, None]
        shown = widths.copy()
        if look.gaps:
            cell = rng.uniform(2, 7)
            shown[wave(rng, len(points), cell) > np.sqrt(2) * (1.4 - 3 * look.gaps)] = 0
        stroke(dark, drawn.astype(np.float32), shown)
        stroke(truth, drawn.astype(np.float32), np.maximum(widths, 1.0) + 0.7)
        canvas.lines.append(Line(points, widths))
    alpha, marked = shrink(dark), shrink(truth)
    if lost is not None:
        alpha, marked = np.maximum(alpha, lost), np.maximum(marked, lost)
    _paint(rng, canvas, alpha, marked, look)


def _paint(rng: np.random.Generator, canvas: Canvas, alpha: Field, truth: Field, look: Style) -> None:
    n = canvas.n
    before = canvas.pixels.mean(2)
    if look.halo:
        wide = cv2.GaussianBlur(alpha, (0, 0), rng.uniform(1.5, 7))
        canvas.add(-look.halo * np.clip(wide * 2.2, 0, 1) * (0.7 + 0.3 * smooth(rng, n, 14)))
    if look.lip:
        away = rng.uniform(0.8, 1.2 + look.width / 2)
        shift = np.float32([[1, 0, away * np.cos(look.light)], [0, 1, away * np.sin(look.light)]])
        lip = cv2.warpAffine(alpha, shift, (n, n)) * (1 - alpha)
        canvas.add(look.lip * lip * np.clip(0.6 + 0.6 * smooth(rng, n, 12), 0, 1.4))
    shape = cv2.GaussianBlur(alpha, (0, 0), look.soft) if look.soft > 0.25 else alpha
    depth = look.drop * (1 + 0.22 * smooth(rng, n, 12) + 0.1 * grain(rng, n, 0.8))
    if look.filled:
        core = cv2.erode(alpha, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3)))
        depth = depth * (1 - rng.uniform(0.4, 0.9) * core) + 5 * grain(rng, n, 0.7)
    level = canvas.pixels.mean(2)
    floor = rng.uniform(3, 38)
    target = np.maximum(level - depth, np.minimum(level, floor))
    # The floor of a crack lies in the dark: it loses the surface's texture, and most of its colour.
    flat = 0.35 * level + 0.65 * cv2.blur(level, (7, 7))
    dark = np.maximum(flat - depth, np.minimum(flat, floor)) if rng.random() < 0.7 else target
    share = rng.uniform(0.2, 1)
    scale = dark * share / (np.maximum(level, 0) + 1)
    tone = canvas.pixels * scale[..., None] + (dark * (1 - share))[..., None]
    canvas.pixels = canvas.pixels * (1 - shape[..., None]) + tone.astype(np.float32) * shape[..., None]
    canvas.trace += before - canvas.pixels.mean(2)
    canvas.crack = np.maximum(canvas.crack, truth)


def bridged(rng: np.random.Generator, canvas: Canvas, look: Style) -> None:
    """Lay stones or crumbs of the surface across wide cracks; the crack runs on beneath them."""
    if look.width < 2.5 or rng.random() > 0.3:
        return
    crumbs = np.clip((grain(rng, canvas.n, rng.uniform(0.8, 2.2)) - rng.uniform(1.0, 1.9)) * 3, 0, 1)
    tone = canvas.pixels[::16, ::16].reshape(-1, 3).mean(0)
    canvas.stain((crumbs * np.minimum(1, canvas.crack * 1.5)).astype(np.float32), tone.astype(np.float32))


def scatter(rng: np.random.Generator, canvas: Canvas, look: Style) -> None:
    """Draw one of the patterns in which cracks come."""
    draw(rng, canvas, pattern(rng, canvas.n), look)
    bridged(rng, canvas, look)


def pattern(rng: np.random.Generator, n: int) -> list[tuple[Points, float]]:
    """Return lines with width factors: a single crack, a branched one, several, parallel ones, a map."""
    kind = rng.choice(["single", "branched", "several", "parallel", "map"], p=[0.4, 0.24, 0.16, 0.08, 0.12])
    lines: list[tuple[Points, float]] = []
    if kind == "map":
        lines = [(line, rng.uniform(0.4, 1.1)) for line in paths.net(rng, n)]
    elif kind == "parallel":
        first = paths.single(rng, n)
        turn = rng.uniform(0, 2 * np.pi)
        for i in range(int(rng.integers(2, 5))):
            shift = i * rng.uniform(14, 60) * np.array([np.cos(turn), np.sin(turn)])
            own = paths.single(rng, n)
            count = min(len(own), len(first))
            wobble = 0.15 * (own[:count] - own[:count].mean(0)) if count else 0
            lines.append(
                (paths.inside((first[:count] + shift + wobble).astype(np.float32), n), rng.uniform(0.5, 1))
            )
    else:
        for _ in range(1 if kind != "several" else int(rng.integers(2, 5))):
            lines.append((paths.single(rng, n), rng.uniform(0.6, 1.1) if kind == "several" else 1.0))
    if kind == "branched":
        for _ in range(int(rng.integers(1, 5))):
            trunk = lines[int(rng.integers(0, len(lines)))][0]
            if len(trunk) > 8:
                lines.append((paths.branch(rng, trunk, n), rng.uniform(0.35, 0.9)))
    return lines
