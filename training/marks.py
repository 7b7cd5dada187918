"""What people put on surfaces or hold before them: chalk, paint, writing, rulers, boards, gloves."""

import cv2
import numpy as np

from training import paths
from training.canvas import Canvas, polygon, sheet, shrink, stroke
from training.noise import colour, grain, patch, smooth

GLYPHS = list("0123456789ABCDEHLMNPRSTWXacdeghmnx.-=/()+%#")
FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_SCRIPT_SIMPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
)


def _write(rng: np.random.Generator, n: int, lines: int) -> np.ndarray:
    """Return coverage of a few lines of writing, turned and bent as by hand."""
    large = sheet(n)
    size = rng.uniform(0.8, 6.5)
    thick = int(rng.integers(2, 16))
    font = FONTS[int(rng.integers(0, len(FONTS)))]
    x, y = rng.uniform(-0.1, 0.6) * n * 4, rng.uniform(0.1, 0.8) * n * 4
    for k in range(lines):
        text = "".join(rng.choice(GLYPHS, int(rng.integers(2, 11))))
        cv2.putText(large, text, (int(x), int(y + k * size * 36)), font, size, 255, thick)
    turn = cv2.getRotationMatrix2D((2.0 * n, 2.0 * n), rng.normal(0, 25), 1)
    large = cv2.warpAffine(large, turn, large.shape[::-1])
    return shrink(large)


def chalk(rng: np.random.Generator, canvas: Canvas) -> None:
    """Chalk or crayon by hand: outlines, arrows, strokes beside cracks, numbers; white or coloured."""
    n = canvas.n
    large = sheet(n)
    for _ in range(int(rng.integers(1, 6))):
        if rng.random() < 0.5:
            points = paths.hanging(rng, n)
        else:
            angles = np.linspace(0, rng.uniform(2, 7), 40)
            reach = rng.uniform(0.05, 0.4, 2) * n
            points = (rng.uniform(0, n, 2) + reach * np.stack([np.cos(angles), np.sin(angles)], 1)).astype(
                np.float32
            )
        stroke(large, points, rng.uniform(1, 6))
    alpha = shrink(large)
    if rng.random() < 0.5:
        alpha = np.maximum(alpha, _write(rng, n, int(rng.integers(1, 3))))
    rough = np.clip(
        rng.uniform(0.4, 1.2) + rng.uniform(0.2, 0.8) * grain(rng, n, rng.uniform(0.5, 1.6)), 0, 1
    )
    tone = (
        colour(rng, rng.uniform(190, 255), 0.03)
        if rng.random() < 0.65
        else colour(rng, rng.uniform(90, 170), 0.9)
    )
    canvas.cover((alpha * rough * rng.uniform(0.4, 1)).astype(np.float32), tone)


def writing(rng: np.random.Generator, canvas: Canvas) -> None:
    """Dark writing: markers, stencils, date stamps, signs."""
    alpha = _write(rng, canvas.n, int(rng.integers(1, 4)))
    canvas.cover(
        (alpha * rng.uniform(0.5, 1)).astype(np.float32),
        colour(rng, rng.uniform(5, 110), rng.choice([0.05, 0.9])),
    )


def stripe(rng: np.random.Generator, canvas: Canvas) -> None:
    """A painted band or a sprayed line, worn; a crack beneath it shows through."""
    n = canvas.n
    large = sheet(n)
    start, end = paths.across(rng, n)
    stroke(large, np.stack([start, end]), float(np.exp(rng.uniform(1.2, 4.4))))
    alpha = cv2.GaussianBlur(shrink(large), (0, 0), rng.uniform(0.5, 2))
    alpha = alpha * np.clip(
        rng.uniform(0.5, 1.3) + rng.uniform(0.1, 0.7) * grain(rng, n, rng.uniform(0.5, 2.5)), 0, 1
    )
    tone = (
        colour(rng, rng.uniform(170, 250), 0.05)
        if rng.random() < 0.7
        else colour(rng, rng.uniform(90, 190), 0.9)
    )
    share = (alpha * rng.uniform(0.5, 1) * (1 - 0.85 * canvas.crack)).astype(np.float32)
    canvas.stain(share, tone)


def _frame(rng: np.random.Generator, n: int, wide: float, high: float) -> np.ndarray:
    angle = rng.choice([0, np.pi / 2]) + rng.normal(0, 0.3)
    along = np.array([np.cos(angle), np.sin(angle)])
    up = np.array([-along[1], along[0]])
    centre = rng.uniform(0, 1, 2) * n
    corners = [
        centre + sx * along * wide / 2 + sy * up * high / 2 for sx, sy in ((-1, -1), (1, -1), (1, 1), (-1, 1))
    ]
    return (np.array(corners) + rng.normal(0, 0.02 * high, (4, 2))).astype(np.float32)


def ruler(rng: np.random.Generator, canvas: Canvas) -> None:
    """A crack gauge, tape or staff: a bright strip with ticks of growing width and numbers."""
    n = canvas.n
    wide, high = rng.uniform(0.7, 2.4) * n, rng.uniform(0.07, 0.32) * n
    corners = _frame(rng, n, wide, high)
    art = np.full((128, int(128 * min(wide / high, 12)), 3), colour(rng, rng.uniform(130, 255), 0.15)).astype(
        np.uint8
    )
    ink = tuple(float(v) for v in (colour(rng, rng.uniform(5, 60), 0.1)))
    step = int(rng.integers(8, 44))
    for k, x in enumerate(range(step, art.shape[1], step)):
        long = 60 if k % 5 == 0 else 35
        cv2.line(art, (x, 0), (x, long), ink, max(1, int(rng.uniform(0.05, 0.35) * step)))
        if step > 24 or k % 5 == 0:
            cv2.putText(
                art,
                f"{k / 20:.2f}"[: int(rng.integers(1, 5))],
                (x - 12, 105),
                FONTS[1],
                step / 44 + 0.3,
                ink,
                2,
            )
    place(canvas, art, corners, rng)


def board(rng: np.random.Generator, canvas: Canvas) -> None:
    """The inspector's board: dark green, black or white, ruled into fields and written on."""
    n = canvas.n
    side = rng.uniform(0.25, 1.3) * n
    art = np.full((200, 260, 3), colour(rng, rng.uniform(15, 90), rng.choice([0.1, 0.5]))).astype(np.uint8)
    ink = tuple(float(v) for v in colour(rng, rng.uniform(170, 255), 0.05))
    if rng.random() < 0.3:
        art, ink = 255 - art, (20.0, 20.0, 20.0)
    cv2.rectangle(art, (4, 4), (255, 195), ink, int(rng.integers(2, 7)))
    for y in range(int(rng.integers(30, 60)), 195, int(rng.integers(28, 60))):
        cv2.line(art, (4, y), (255, y), ink, int(rng.integers(1, 4)))
        text = "".join(rng.choice(GLYPHS, int(rng.integers(3, 12))))
        cv2.putText(
            art,
            text,
            (int(rng.integers(8, 70)), y - 6),
            FONTS[int(rng.integers(0, 4))],
            rng.uniform(0.5, 1.2),
            ink,
            2,
        )
    if rng.random() < 0.7:
        cv2.line(art, (70, 4), (70, 195), ink, 2)
    place(canvas, art, _frame(rng, n, side * 1.3, side), rng)


def place(canvas: Canvas, art: np.ndarray, corners: np.ndarray, rng: np.random.Generator) -> None:
    """Lay a flat picture (h, w, 3 uint8) onto the four `corners`, with the shadow that it throws."""
    n = canvas.n
    h, w = art.shape[:2]
    source = np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float32)
    warp = cv2.getPerspectiveTransform(source, corners)
    picture = cv2.warpPerspective(art, warp, (n, n), flags=cv2.INTER_LINEAR).astype(np.float32)
    alpha = polygon(n, corners)
    if rng.random() < 0.7:
        shadow = cv2.GaussianBlur(np.roll(alpha, rng.integers(-5, 6, 2), (0, 1)), (0, 0), rng.uniform(0.8, 4))
        canvas.shade((1 - rng.uniform(0.1, 0.6) * shadow).astype(np.float32))
    light = 1 + rng.uniform(0, 0.15) * smooth(rng, n, 80)
    canvas.cover(alpha, (picture * light[..., None]).astype(np.float32))


def glove(rng: np.random.Generator, canvas: Canvas) -> None:
    """A hand, glove or sleeve that reaches into the picture: rounded, shaded, wrinkled."""
    n = canvas.n
    large = sheet(n)
    rim = rng.uniform(0, n, 2)
    rim[int(rng.integers(0, 2))] = rng.choice([0, n])
    inward = np.array([n / 2, n / 2]) - rim
    for _ in range(int(rng.integers(1, 5))):
        turn = rng.normal(0, 0.35)
        reach = (
            np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
            @ inward
            * rng.uniform(0.2, 0.8)
        )
        stroke(large, np.stack([rim, rim + reach]).astype(np.float32), rng.uniform(0.06, 0.22) * n)
    alpha = shrink(large)
    soft = cv2.GaussianBlur(alpha, (0, 0), 6)
    skin = (
        np.array([1.2, 0.92, 0.78], np.float32) * rng.uniform(90, 190)
        if rng.random() < 0.4
        else colour(rng, rng.uniform(20, 235), 0.2)
    )
    folds = (
        1
        + rng.uniform(0.02, 0.25) * smooth(rng, n, rng.uniform(6, 20), rng.uniform(6, 20))
        - 0.5 * (1 - soft)
    )
    weave = rng.uniform(0, 12) * patch(rng, n, 4, 0.5)
    canvas.shade((1 - 0.4 * cv2.GaussianBlur(alpha, (0, 0), 5) * (1 - alpha)).astype(np.float32))
    canvas.cover(alpha, (skin * folds[..., None] + weave[..., None]).astype(np.float32))
