"""What weather and wear leave on a surface, and what is no crack: drips, rust, spalls, holes, shadows."""

import cv2
import numpy as np

from training import paths, surfaces
from training.canvas import Canvas, polygon, sheet, shrink, stroke
from training.noise import colour, grain, patch, relief, smooth


def shadow(rng: np.random.Generator, canvas: Canvas) -> None:
    """A cast shadow: of a straight edge, a bar, leaves, or a person, sharp or soft."""
    n = canvas.n
    kind = rng.random()
    if kind < 0.4:
        mask = polygon(n, (rng.uniform(-0.4, 1.4, (int(rng.integers(3, 6)), 2)) * n).astype(np.float32))
    elif kind < 0.65:
        large = sheet(n)
        start, end = paths.across(rng, n)
        stroke(large, np.stack([start, end]), float(np.exp(rng.uniform(0.7, 3.6))))
        mask = shrink(large)
    else:
        mask = patch(rng, n, rng.uniform(12, 90), rng.uniform(0.1, 0.6), rng.uniform(0.05, 0.4))
    mask = cv2.GaussianBlur(mask, (0, 0), float(np.exp(rng.uniform(-0.7, 1.8))))
    canvas.shade((1 - rng.uniform(0.15, 0.75) * mask).astype(np.float32))


def drips(rng: np.random.Generator, canvas: Canvas) -> None:
    """Water, rust or lime that ran down: streaks with soft flanks, fading, mostly upright."""
    n = canvas.n
    mask = np.zeros((n, n), np.float32)
    sources = int(rng.integers(1, 12))
    for _ in range(min(3, sources)):
        top, reach = rng.uniform(-0.4, 0.7) * n, rng.uniform(0.15, 1.2) * n
        along = np.linspace(0, 1, 60)
        large = sheet(n)
        for _ in range((sources + 2) // 3):
            wander = rng.uniform(0, n) + np.cumsum(rng.normal(0, 0.25, 60))
            points = np.stack([wander, top + along * reach], 1).astype(np.float32)
            wide = rng.uniform(1.2, 16) * (0.6 + 0.4 * rng.random()) * (1 - 0.6 * along)
            stroke(large, points, wide.astype(np.float32))
        one = cv2.GaussianBlur(shrink(large), (0, 0), rng.uniform(0.8, 4))
        fade = np.clip(1 - (np.arange(n) - top) / max(reach, 1), 0, 1)[:, None] ** rng.uniform(0.3, 1.5)
        mask = np.maximum(mask, one * fade.astype(np.float32) * rng.uniform(0.3, 1))
    mask *= np.clip(0.8 + 0.4 * smooth(rng, n, 3, 30), 0, 1)
    turned = mask if rng.random() < 0.8 else np.ascontiguousarray(mask.T)
    kind = rng.choice(3, p=[0.6, 0.25, 0.15])
    tone = [
        colour(rng, rng.uniform(8, 70), 0.1),
        np.array([130, 75, 35], np.float32),
        colour(rng, rng.uniform(200, 245), 0.03),
    ][kind]
    canvas.stain((turned * rng.uniform(0.3, 0.95)).astype(np.float32), tone)


def stains(rng: np.random.Generator, canvas: Canvas) -> None:
    """Damp, moss, oil or rust in patches with soft or sharp rims."""
    n = canvas.n
    mask = patch(rng, n, rng.uniform(8, 100), rng.uniform(0.03, 0.5), rng.uniform(0.2, 0.7))
    mask = cv2.GaussianBlur(mask, (0, 0), rng.uniform(0.4, 5))
    canvas.stain(
        (mask * rng.uniform(0.15, 0.8)).astype(np.float32),
        colour(rng, rng.uniform(10, 200), rng.choice([0.05, 0.5])),
    )


def holes(rng: np.random.Generator, canvas: Canvas) -> None:
    """Drill holes, tie holes, nails and bolts: discs, often in rows, with a lit rim."""
    n = canvas.n
    radius = rng.uniform(1.2, 14)
    spots = rng.uniform(0, n, (int(rng.integers(1, 7)), 2))
    if rng.random() < 0.4:
        step = rng.normal(0, 1, 2)
        step *= rng.uniform(3, 8) * radius / (np.hypot(*step) + 1e-6)
        spots = spots[0] + np.arange(-6, 7)[:, None] * step
    large = sheet(n)
    for x, y in spots:
        cv2.circle(large, (int(4 * x), int(4 * y)), int(4 * radius), 255, -1)
    mask = shrink(large)
    raised = rng.random() < 0.35
    tone = colour(rng, rng.uniform(60, 200) if raised else rng.uniform(4, 70), 0.15)
    canvas.cover(mask, tone)
    canvas.add(
        np.clip(relief(cv2.GaussianBlur(mask, (0, 0), 1.2), rng.uniform(0, 6.3)), -4, 4) * rng.uniform(2, 16)
    )


def spall(rng: np.random.Generator, canvas: Canvas) -> None:
    """Concrete that broke away: rubble in a hollow with a shadowed rim, perhaps bars of rusty steel."""
    n = canvas.n
    size = rng.uniform(0.08, 0.45) * n
    centre = rng.uniform(0.05, 0.95, 2) * n
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    radius = size * np.exp(0.25 * np.interp(angles, np.linspace(0, 6.3, 12), rng.standard_normal(12)))
    squeeze = np.array([1, rng.uniform(0.25, 1)])
    if rng.random() < 0.5:
        squeeze = squeeze[::-1]
    outline = centre + radius[:, None] * np.stack([np.cos(angles), np.sin(angles)], 1) * squeeze
    mask = polygon(n, outline.astype(np.float32))
    mask = np.clip(
        (cv2.GaussianBlur(mask, (0, 0), 3) + 0.22 * smooth(rng, n, 7) + 0.1 * grain(rng, n, 1.5) - 0.5) * 4
        + 0.5,
        0,
        1,
    )
    mask = mask.astype(np.float32)
    inner = surfaces.rubble(rng, n)
    inner = inner * (float(canvas.pixels.mean()) * rng.uniform(0.45, 1.1) / float(inner.mean()))
    if rng.random() < 0.5:
        inner = inner * (colour(rng, 150, 0.25) / 150)
    canvas.cover(mask, inner.astype(np.float32))
    rim = relief(cv2.GaussianBlur(mask, (0, 0), rng.uniform(0.8, 3)), rng.uniform(0.6, 2.5))
    canvas.add(np.clip(rim, -4, 4) * rng.uniform(4, 24))
    if rng.random() < 0.4:
        rebar(rng, canvas, mask)


def rebar(rng: np.random.Generator, canvas: Canvas, within: np.ndarray | None = None) -> None:
    """Ribbed bars laid bare: rusty, round, straight, with a shadow beside them."""
    n = canvas.n
    angle, wide = rng.uniform(0, np.pi), rng.uniform(2.5, 15)
    along = np.array([np.cos(angle), np.sin(angle)])
    centre = rng.uniform(0.2, 0.8, 2) * n
    for k in range(int(rng.integers(1, 4))):
        if k:
            centre = centre + rng.uniform(2, 7) * wide * np.array([-along[1], along[0]])
        large = sheet(n)
        stroke(large, np.stack([centre - along * n, centre + along * n]).astype(np.float32), wide)
        bar = shrink(large)
        if within is not None:
            bar = bar * within
        ys, xs = np.mgrid[0:n, 0:n].astype(np.float32)
        ribs = np.sin((xs * along[0] + ys * along[1]) * 2 * np.pi / max(3.0, wide * 0.8))
        canvas.shade(1 - 0.6 * np.roll(bar, (int(wide / 2), int(wide / 3)), (0, 1)) * (1 - bar))
        tone = np.array([1.3, 0.85, 0.6], np.float32) * rng.uniform(30, 110)
        light = relief(cv2.GaussianBlur(bar, (0, 0), max(1, wide / 4)), rng.uniform(0, 6.3)) * rng.uniform(
            4, 16
        )
        canvas.cover(bar, tone + (light + rng.uniform(0, 14) * ribs + 8 * grain(rng, n, 1.3))[..., None])


def rivulets(rng: np.random.Generator, canvas: Canvas) -> None:
    """Roots, creepers and snail trails of lime: wandering bright or coloured lines, never dark grooves."""
    n = canvas.n
    large = sheet(n)
    for _ in range(int(rng.integers(1, 4))):
        line = paths.single(rng, n)
        if len(line) > 4:
            stroke(large, line, rng.uniform(1, 7))
    alpha = cv2.GaussianBlur(shrink(large), (0, 0), rng.uniform(0.4, 1.5))
    alpha = alpha * np.clip(0.7 + 0.6 * smooth(rng, n, 8), 0, 1)
    bright = float(np.clip(canvas.pixels.mean() * rng.uniform(1.25, 2) + 15, 0, 250))
    canvas.cover(
        (alpha * rng.uniform(0.4, 1)).astype(np.float32), colour(rng, bright, rng.choice([0.03, 0.4]))
    )
