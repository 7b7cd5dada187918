"""More that is no crack: creepers, crack gauges, slatted ceilings, dirt that runs from a joint."""

import cv2
import numpy as np

from training import paths
from training.canvas import Canvas, sheet, shrink, stroke
from training.marks import FONTS, place
from training.noise import colour, grain, smooth


def vines(rng: np.random.Generator, canvas: Canvas) -> None:
    """Creepers and bare stems on a wall: dark, thin, smooth, crossing one another, some with leaves."""
    n = canvas.n
    large, leaves = sheet(n), sheet(n)
    for _ in range(int(rng.integers(2, 9))):
        line = paths.hanging(rng, n)
        stroke(large, line, rng.uniform(0.8, 3.2))
        if rng.random() < 0.5:
            for x, y in line[:: int(rng.integers(6, 20))]:
                spot = np.array([x, y]) * 4 + rng.normal(0, 14, 2)
                cv2.circle(leaves, (int(spot[0]), int(spot[1])), int(rng.uniform(4, 20)), 255, -1)
    stems = shrink(large)
    canvas.shade(1 - rng.uniform(0.1, 0.5) * np.roll(stems, rng.integers(-3, 4, 2), (0, 1)) * (1 - stems))
    wood = np.array([1.1, 0.95, 0.75], np.float32) * rng.uniform(12, 90)
    canvas.cover(stems, wood + 8 * grain(rng, n, 1)[..., None])
    green = np.array([0.75, 1.1, 0.5], np.float32) * rng.uniform(40, 170)
    canvas.cover(shrink(leaves), green + 14 * grain(rng, n, 2)[..., None])


def gauge(rng: np.random.Generator, canvas: Canvas) -> None:
    """A crack gauge of metal or clear plastic: ticks that grow thicker, numbers, glare, a slot."""
    n = canvas.n
    base = rng.uniform(70, 235)
    shine = np.linspace(rng.uniform(0.5, 1), rng.uniform(0.8, 1.4), 480) + 0.15 * np.sin(
        np.linspace(0, rng.uniform(1, 12), 480)
    )
    art = np.clip(colour(rng, base, 0.15) * np.broadcast_to(shine[None, :, None], (240, 480, 1)), 0, 255)
    art = np.ascontiguousarray(art.astype(np.uint8))
    ink = tuple(float(v) for v in colour(rng, rng.uniform(5, 0.6 * base), 0.1))
    gap = int(rng.integers(14, 40))
    sides = [(0, 90)] if rng.random() < 0.5 else [(20, 105), (135, 220)]
    for low, high in sides:
        for k, x in enumerate(range(gap, 470, gap)):
            thick = max(1, int(1 + k * rng.uniform(0.1, 0.6) * gap / 30))
            cv2.line(art, (x, low), (x, high), ink, min(thick, gap // 2))
            cv2.putText(
                art, f"{k * 0.05:.2f}", (x - 10, high + 26), FONTS[0], gap / 50 + 0.1, ink, 1 + gap // 24
            )
    if rng.random() < 0.4:
        cv2.line(art, (40, 120), (440, 120), (20.0, 20.0, 20.0), int(rng.integers(4, 20)))
    side = rng.uniform(0.25, 0.9) * n
    angle = rng.choice([0, np.pi / 2]) + rng.normal(0, 0.25)
    along = np.array([np.cos(angle), np.sin(angle)])
    up = np.array([-along[1], along[0]]) * rng.choice([-1, 1])
    centre = rng.uniform(0.1, 0.9, 2) * n
    corners = [
        centre + sx * along * side + sy * up * side / 2 for sx, sy in ((-1, -1), (1, -1), (1, 1), (-1, 1))
    ]
    place(canvas, art, np.array(corners, np.float32), rng)


def slats(rng: np.random.Generator, canvas: Canvas) -> None:
    """Boards, ribs or panels side by side: straight dark gaps that run to a common point."""
    n = canvas.n
    angle = rng.uniform(0, np.pi)
    along = np.array([np.cos(angle), np.sin(angle)])
    up = np.array([-along[1], along[0]])
    vanishing = rng.uniform(0, 1, 2) * n + along * n * rng.uniform(1.5, 12)
    middle = rng.uniform(0.2, 0.8, 2) * n
    gap, wide = rng.uniform(12, 80), float(np.exp(rng.uniform(0, 1.6)))
    large = sheet(n)
    for k in range(-12, 13):
        foot = middle + up * gap * k
        reach = vanishing - foot
        reach = reach / np.hypot(*reach) * 1.6 * n
        stroke(large, np.stack([foot - reach, foot + reach]).astype(np.float32), wide)
    lines = shrink(large) * np.clip(rng.uniform(0.6, 1.2) + rng.uniform(0, 0.5) * smooth(rng, n, 20), 0, 1)
    canvas.cover((lines * rng.uniform(0.4, 1)).astype(np.float32), colour(rng, rng.uniform(3, 70), 0.1))
    if rng.random() < 0.5:
        canvas.add(rng.uniform(8, 50) * np.roll(lines, rng.integers(-2, 3, 2), (0, 1)) * (1 - lines))


def fringe(rng: np.random.Generator, canvas: Canvas) -> None:
    """Dirt and damp that run from a joint or an edge: a dark band with fingers on one side."""
    n = canvas.n
    ys, xs = np.mgrid[0:n, 0:n].astype(np.float32)
    angle = rng.normal(0, 0.3) + rng.choice([0, np.pi / 2, np.pi])
    point = rng.uniform(0.1, 0.9, 2) * n
    far = -np.sin(angle) * (xs - point[0]) + np.cos(angle) * (ys - point[1])
    run = -np.cos(angle) * (xs - point[0]) - np.sin(angle) * (ys - point[1])
    knots = np.abs(rng.standard_normal(256)) ** rng.uniform(1, 2.5)
    place_ = np.clip((run + n * 1.5) / rng.uniform(2, 12), 0, 254)
    reach = rng.uniform(8, 50) * np.interp(place_, np.arange(256), knots).astype(np.float32)
    mask = np.clip((reach - far) / rng.uniform(1, 6), 0, 1) * (far > -rng.uniform(0, 6))
    mask = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), rng.uniform(0.6, 1.8))
    tone = colour(rng, rng.uniform(8, 90), 0.15)
    canvas.stain((mask * rng.uniform(0.3, 0.95)).astype(np.float32), tone + 8 * grain(rng, n, 1.5)[..., None])
