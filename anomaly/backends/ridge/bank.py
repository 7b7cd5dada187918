"""The filter bank: how much each pixel looks like a dark line, in which direction and of which width.

At each octave of an image pyramid and in each of twelve directions the image is averaged along a short
line, and the line is compared with its two flanks (a second derivative across the line, by differences).
The darker flank counts: a step, which has one dark side, has no response at its own place. What responds
is divided by the usual response of its surroundings, so that coarse texture must show more than plaster.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
"""(H, W) uint8."""

DIRECTIONS = 12
"""Directions of lines, 15 degrees apart; direction i runs along (cos, sin) of i * 15 degrees, y downwards."""

UNIT = 256
"""Strength 1.0 is stored as this number: a line as strong as the usual response around it."""

FLANK = 4.0
"""From the line to where its flanks are taken, pixels of the octave."""

_SMOOTHING = 1.0
_HALF_LINE = 5
_MARGIN = 14  # smoothing 4 + half a line 5 + flank 4 + the interpolated line's last pixel
_TILE = 384
_SURROUNDINGS = 101
_PER_LEVEL = 64  # responses are stored in 64ths of a grey level
_CLIP = 3.0
_FLOOR = 2.0
_LARGE_SIDE = 1600


@dataclass(frozen=True, slots=True)
class Response:
    """The bank's answer, (H, W) each.

    `strength` is uint16 in `UNIT`s, 0 where nothing responds; `direction` uint8, 0..11; `octave` uint8:
    the line is about 2 to 4 times 2^octave pixels wide.
    """

    strength: NDArray[np.uint16]
    direction: NDArray[np.uint8]
    octave: NDArray[np.uint8]


def respond(grey: Grey) -> Response:
    """Filter a photograph; time and memory grow with the pixels.

    Three octaves (lines up to about 16 px wide), four where the shorter side exceeds 1600 px.
    """
    height, width = grey.shape
    level: Any = grey
    strength, direction = _octave(level)
    octave = np.zeros_like(direction)
    for number in range(1, 4 if min(height, width) > _LARGE_SIDE else 3):
        if min(level.shape) < 2 * _HALF_LINE:
            break
        level = cv2.resize(level, (level.shape[1] // 2, level.shape[0] // 2), interpolation=cv2.INTER_AREA)
        small, along = _octave(level)
        coarse = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
        better = cv2.compare(coarse, strength, cv2.CMP_GT)
        np.maximum(strength, coarse, out=strength)
        cv2.copyTo(cv2.resize(along, (width, height), interpolation=cv2.INTER_NEAREST), better, direction)
        octave[better > 0] = number
    return Response(strength, direction, octave)


def _octave(level: Grey) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
    """Return strength and direction at one level of the pyramid; tile by tile, so that it stays in the cache."""
    padded = cv2.copyMakeBorder(level, *(_MARGIN,) * 4, cv2.BORDER_REFLECT)
    response = np.empty(level.shape, np.uint16)
    direction = np.empty(level.shape, np.uint8)
    for rows, columns in tiles(level.shape, _TILE):
        window = padded[grown(rows, _MARGIN), grown(columns, _MARGIN)]
        best, direction[rows, columns] = _lines(window.astype(np.float32))
        response[rows, columns] = np.rint(best * _PER_LEVEL)
    return _against_surroundings(response), direction


def _lines(window: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Return the best response in grey levels and its direction, for the window without its margin."""
    height, width = window.shape[0] - 2 * _MARGIN, window.shape[1] - 2 * _MARGIN
    smooth = cv2.GaussianBlur(window, (0, 0), _SMOOTHING)
    best: Any = np.zeros((height, width), np.float32)
    direction = np.zeros((height, width), np.uint8)
    for number in range(DIRECTIONS):
        angle = math.pi * number / DIRECTIONS
        dx, dy = round(-FLANK * math.sin(angle)), round(FLANK * math.cos(angle))
        line = cv2.filter2D(smooth, -1, _line(angle))
        centre, one, other = (
            line[_MARGIN + y : _MARGIN + y + height, _MARGIN + x : _MARGIN + x + width]
            for x, y in ((0, 0), (dx, dy), (-dx, -dy))
        )
        depth = cv2.subtract(cv2.min(one, other), centre)
        cv2.copyTo(np.full_like(direction, number), cv2.compare(depth, best, cv2.CMP_GT), direction)
        best = cv2.max(best, depth)
    return best, direction


def _line(angle: float) -> NDArray[np.float32]:
    """Return the average over a line of 11 px through the middle, each point spread over four pixels."""
    side = 2 * _HALF_LINE + 1
    kernel = np.zeros((side + 1, side + 1), np.float32)
    for step in np.linspace(-_HALF_LINE, _HALF_LINE, 4 * _HALF_LINE + 1):
        x, y = _HALF_LINE + step * math.cos(angle), _HALF_LINE + step * math.sin(angle)
        column, row = math.floor(x + 1e-9), math.floor(y + 1e-9)
        right, down = x - column, y - row
        kernel[row : row + 2, column : column + 2] += np.outer((1 - down, down), (1 - right, right))
    kernel = kernel[:side, :side]
    return np.asarray(kernel / kernel.sum(), np.float32)


def _against_surroundings(response: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Divide by the mean response of a 101 px square, in which no pixel counts more than thrice the median."""
    height, width = response.shape
    median = max(float(np.median(response[::3, ::3])), 1.0 * _PER_LEVEL)
    usual = np.minimum(response, np.uint16(_CLIP * median))
    small = cv2.resize(usual, (max(1, width // 8), max(1, height // 8)), interpolation=cv2.INTER_AREA)
    side = _SURROUNDINGS // 8 | 1
    around = np.asarray(cv2.blur(small, (side, side)) + np.uint16(_FLOOR * _PER_LEVEL), np.uint16)
    usual = np.asarray(cv2.resize(around, (width, height), interpolation=cv2.INTER_LINEAR), np.uint16)
    return np.asarray(cv2.divide(response, usual, scale=UNIT, dtype=cv2.CV_16U), np.uint16)


def tiles(shape: tuple[int, ...], side: int) -> Iterator[tuple[slice, slice]]:
    """Cut a plane of rows and columns into squares of at most `side` pixels, row by row."""
    height, width = shape
    for top in range(0, height, side):
        for left in range(0, width, side):
            yield slice(top, min(top + side, height)), slice(left, min(left + side, width))


def grown(part: slice, margin: int) -> slice:
    """Return where a tile and its margin lie in a plane that was padded by `margin` on all sides."""
    return slice(part.start, part.stop + 2 * margin)
