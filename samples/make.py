"""Make `crack.jpg` and its truth, `crack.json`: `python -m samples.make`.

A cast concrete wall with formwork lines, tie holes, a stain and a crack. The crack's centre line is known point for
point, and its mean width is the area that was drawn over the line's length, so that both are exact.
"""

import json
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).parent
WIDTH, HEIGHT = 960, 640
MEAN_WIDTH = 4.5
SEED = 7
_FINE = 8  # subpixels a side when the crack is drawn: its edge is right to an eighth of a pixel

Field = NDArray[np.float32]


def photograph(seed: int = SEED) -> tuple[NDArray[np.uint8], dict[str, object]]:
    """Return the picture, (640, 960, 3) uint8 RGB, and the truth in pixels and degrees."""
    rng = np.random.default_rng(seed)
    line = _centre_line(rng)
    crack = _drawn(line, MEAN_WIDTH * _widths(rng, len(line)))
    length = float(np.hypot(*np.diff(line, axis=0).T).sum())
    grey = _concrete(rng)
    # A crack is dark inside, and its rim is a little dirty.
    grey -= 14 * cv2.GaussianBlur(crack, (0, 0), 7)
    grey = grey * (1 - crack) + 52 * crack
    grey = cv2.GaussianBlur(grey, (0, 0), 0.7) + rng.normal(0, 2.2, grey.shape)
    tint = np.array([1.02, 1.0, 0.955])
    image = np.clip(grey[:, :, None] * tint, 0, 255).round().astype(np.uint8)
    centred = (line - line.mean(axis=0)) * (1, -1)  # y upwards, for an angle as seen on the screen
    along = np.linalg.svd(centred, full_matrices=False)[2][0]
    low, high = line.min(axis=0) - MEAN_WIDTH / 2, line.max(axis=0) + MEAN_WIDTH / 2
    truth: dict[str, object] = {
        "length_pixels": round(length, 1),
        "width_pixels": round(float(crack.sum()) / length, 2),
        "orientation_degrees": round(float(np.degrees(np.arctan2(along[1], along[0])) % 180), 1),
        "bbox": dict(
            zip(("x_min", "y_min", "x_max", "y_max"), np.round([*low, *high], 1).tolist(), strict=True)
        ),
        "centre_line": line[::20].round(1).tolist(),
    }
    return image, truth


def _centre_line(rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a crooked line from the left to the right, (N, 2) x and y, a point every two pixels."""
    x = np.arange(150, 791, 2, dtype=np.float64)
    y = 430 - 0.32 * (x - 150)
    for step, height in ((160, 26.0), (61, 10.0), (23, 4.5), (9, 1.6)):
        knots = np.arange(150 - step, 791 + 2 * step, step) + rng.uniform(-0.3, 0.3) * step
        y += np.interp(x, knots, rng.normal(0, height, len(knots)))
    return np.stack([x, y], axis=1)


def _widths(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Return by how much the width differs along the line: ragged, and thinning out at both ends."""
    knots = np.arange(0, count + 4, 4)
    ragged = np.interp(np.arange(count), knots, rng.normal(1, 0.2, len(knots)))
    ends = np.minimum(1, 0.35 + np.minimum(np.arange(count), np.arange(count)[::-1]) / 45)
    return np.asarray(np.clip(ragged, 0.5, 1.5) * ends, np.float64)


def _drawn(line: NDArray[np.float64], widths: NDArray[np.float64]) -> Field:
    """Return how much of each pixel the crack covers, (H, W) float32, 0..1."""
    fine = np.zeros((HEIGHT * _FINE, WIDTH * _FINE), np.uint8)
    points = np.round((line + 0.5) * _FINE).astype(int)
    for start, end, width in zip(points[:-1].tolist(), points[1:].tolist(), widths.tolist(), strict=False):
        cv2.line(fine, start, end, 255, max(1, round(width * _FINE)))
    covered = cv2.resize(fine, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    return covered.astype(np.float32) / 255


def _concrete(rng: np.random.Generator) -> Field:
    grey = np.full((HEIGHT, WIDTH), 148, np.float32)
    for cell, depth in ((320, 14.0), (90, 8.0), (28, 5.0), (7, 4.0), (2.5, 5.0)):
        grey += depth * _cloud(rng, cell)
    for number in range(220):  # pores
        x, y = int(rng.uniform(0, WIDTH)), int(rng.uniform(0, HEIGHT))
        radius = rng.uniform(0.6, 2.4) if number else 3.0
        cv2.circle(grey, (x, y), round(radius), float(rng.uniform(78, 115)), -1, cv2.LINE_AA)
    board = np.zeros_like(grey)
    for x in (318, 642):  # where boards of the formwork met
        cv2.line(board, (x, 0), (x + 3, HEIGHT), 1.0, 2, cv2.LINE_AA)
    grey -= 17 * cv2.GaussianBlur(board, (0, 0), 1.2)
    for x, y in ((478, 120), (478, 520), (120, 120), (845, 520)):  # ties of the formwork
        plug = cv2.circle(np.zeros_like(grey), (x, y), 12, 1.0, -1, cv2.LINE_AA)
        grey -= 30 * cv2.GaussianBlur(plug, (0, 0), 2.0) * (1 + 0.2 * _cloud(rng, 4))
    stain = np.zeros_like(grey)
    cv2.ellipse(stain, (735, 150), (52, 190), 4, 0, 360, 1.0, -1)
    ragged = cv2.GaussianBlur(stain, (0, 0), 30) * (0.75 + 0.25 * _cloud(rng, 24))
    light = (
        np.linspace(1.07, 0.9, WIDTH, dtype=np.float32)
        * np.linspace(1.03, 0.96, HEIGHT, dtype=np.float32)[:, None]
    )
    return np.asarray((grey - 26 * ragged) * light, np.float32)


def _cloud(rng: np.random.Generator, cell: float) -> Field:
    """Return smooth noise of deviation 1 with grains of about `cell` pixels."""
    small = rng.normal(0, 1, (int(HEIGHT / cell) + 3, int(WIDTH / cell) + 3)).astype(np.float32)
    large = cv2.resize(small, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return np.asarray(large / max(float(large.std()), 1e-6), np.float32)


def main() -> None:
    """Write the picture and its truth beside this program."""
    image, truth = photograph()
    cv2.imwrite(str(HERE / "crack.jpg"), image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])
    (HERE / "crack.json").write_text(json.dumps(truth, indent=1) + "\n")


if __name__ == "__main__":
    main()
