"""A mask taken apart: frayed edges smoothed, split into its connected parts, pinholes filled."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

MARGIN = 3
"""Zero pixels round a part, so that no neighbour lies outside the array."""

_FRAYED = 0.1
"""Share of the outline's steps that turn by 90 degrees or more: under 0.06 for smooth edges of any shape,
0.1 to 0.4 where single pixels are lost and won."""

_PINHOLE_PIXELS = 6.0
"""A hole this small is noise, in a part of any width."""

_PINHOLE_WIDTHS = 0.25
"""So is one smaller than this many squares of the part's width."""

_MOST_PARTS = 64
"""As many parts are measured one by one; what is smaller counts by its outline."""

_MOST_STEPS = 100_000
"""A mask with more changes along its rows than this, and ..."""

_SHORTEST_RUN = 40
"""... with runs shorter than this on average, is noise, in which there is no line to be found."""


class FrameEdges(NamedTuple):
    """Which sides of the array are edges of the photograph itself, beyond which a defect may run on unseen."""

    left: bool = True
    top: bool = True
    right: bool = True
    bottom: bool = True


@dataclass(frozen=True, slots=True)
class Part:
    """One connected (8) part of a mask.

    `bitmap` is (h, w) uint8 of 0 and 1 with a margin of `MARGIN` zeros; its pixel (0, 0) is pixel
    (x, y) of the mask. `contour` (N, 2) int32 xy is its outline in its own pixels, `holes` the number
    of holes that were left open.
    """

    bitmap: NDArray[np.uint8]
    x: int
    y: int
    area: int
    contour: NDArray[np.int32]
    holes: int = 0


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a mask, largest first; `specks_length` is the length, in pixels, of those too many to keep.
    `frayed` says that the edges were smoothed, `noise` that there is nothing but noise."""

    parts: tuple[Part, ...]
    specks_length: float = 0.0
    frayed: bool = False
    noise: bool = False


def split(crop: NDArray[np.uint8], edges: FrameEdges) -> Parts:
    """Take a mask apart. `crop` (H, W) uint8 of 0 and 1; `edges` are the sides where the photograph ends."""
    padded = _bitmap(cv2.copyMakeBorder(crop, MARGIN, MARGIN, MARGIN, MARGIN, cv2.BORDER_CONSTANT, value=0))
    if _is_noise(crop):
        padded = _smoothed(crop, edges, 2.0)
        if _is_noise(padded):
            return Parts((), noise=True)
    frayed = False
    contours, tree = _outlines(padded)
    if contours and _is_frayed(contours):
        smooth = _smoothed(
            crop, edges, 1.5 if cv2.countNonZero(crop) > 2.5 * max(map(len, contours)) else 1.0
        )
        if cv2.countNonZero(smooth) > 0.7 * cv2.countNonZero(crop):
            padded, frayed = smooth, True
            contours, tree = _outlines(padded)
    if not contours:
        return Parts((), noise=True)
    if len(contours) == 1:
        only = Part(padded, -MARGIN, -MARGIN, cv2.countNonZero(padded), contours[0])
        return Parts((only,), frayed=frayed)
    parts, specks = _cut_out(contours, tree)
    return Parts(parts, specks, frayed)


def _bitmap(array: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Tell the type checker what OpenCV's signatures leave open."""
    return np.asarray(array, np.uint8)


def _outlines(padded: NDArray[np.uint8]) -> tuple[list[NDArray[np.int32]], NDArray[np.int32]]:
    found, tree = cv2.findContours(padded, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    if not found:  # then there is no tree either
        return [], np.empty((0, 4), np.int32)
    contours = [np.asarray(c, np.int32).reshape(-1, 2) for c in found]
    return contours, np.asarray(tree, np.int32).reshape(-1, 4)


def _is_noise(crop: NDArray[np.uint8]) -> bool:
    if crop.size < _MOST_STEPS:
        return False
    steps = cv2.countNonZero(cv2.absdiff(crop[:, 1:], crop[:, :-1]))
    return steps > _MOST_STEPS and steps * _SHORTEST_RUN > crop.size


def _is_frayed(contours: Sequence[NDArray[np.int32]]) -> bool:
    outline = max(contours, key=len)
    if len(outline) < 40:
        return False
    step = np.diff(outline, axis=0, append=outline[:1])
    turned = step[:-1, 0] * step[1:, 0] + step[:-1, 1] * step[1:, 1] <= 0
    return bool(np.count_nonzero(turned) > _FRAYED * len(outline))


def _smoothed(crop: NDArray[np.uint8], edges: FrameEdges, sigma: float) -> NDArray[np.uint8]:
    """Blur and cut at half: straight edges stay where they are, specks and notches go. Padded by `MARGIN`."""
    pad = 8
    left, top, right, bottom = (pad if side else 0 for side in edges)
    image = cv2.copyMakeBorder(crop * np.uint8(255), top, bottom, left, right, cv2.BORDER_REPLICATE)
    image = cv2.copyMakeBorder(
        image, pad - top, pad - bottom, pad - left, pad - right, cv2.BORDER_CONSTANT, value=0
    )
    inner = slice(pad - MARGIN, MARGIN - pad)
    smooth = (cv2.GaussianBlur(image, (0, 0), sigma)[inner, inner] > 127).view(np.uint8)
    for side, strip in zip(
        edges, (smooth.T[:MARGIN], smooth[:MARGIN], smooth.T[-MARGIN:], smooth[-MARGIN:]), strict=True
    ):
        if side:  # nothing is known beyond the photograph's edge
            strip[:] = 0
    # the outermost ring stays empty whatever grew
    smooth[[0, 1, -2, -1]] = 0
    smooth[:, [0, 1, -2, -1]] = 0
    return np.ascontiguousarray(smooth)


def _cut_out(
    contours: Sequence[NDArray[np.int32]], tree: NDArray[np.int32]
) -> tuple[tuple[Part, ...], float]:
    steps = np.array([len(c) for c in contours], np.float64)
    inner = np.array([cv2.contourArea(c) for c in contours])
    # Pick's theorem: a polygon through pixel centres of area A with B of them on it holds A + B/2 + 1 in all
    # and A - B/2 + 1 inside.
    filled, within = inner + steps / 2 + 1, inner - steps / 2 + 1
    parent = tree[:, 3]
    outer, inside = np.flatnonzero(parent < 0), np.flatnonzero(parent >= 0)
    net = filled - np.bincount(parent[inside], np.maximum(within[inside], 0.0), len(contours))
    width = 2 * net / (steps + np.bincount(parent[inside], steps[inside], len(contours)))
    outer = outer[np.argsort(-filled[outer], kind="stable")]
    parts = []
    for k in outer[:_MOST_PARTS]:
        x, y, w, h = cv2.boundingRect(contours[k])
        x, y = x - MARGIN, y - MARGIN
        bitmap = np.zeros((h + 2 * MARGIN, w + 2 * MARGIN), np.uint8)
        cv2.drawContours(bitmap, [contours[k]], 0, 1, cv2.FILLED, offset=(-x, -y))
        largest = max(_PINHOLE_PIXELS, _PINHOLE_WIDTHS * width[k] ** 2)
        holes = 0
        child = int(tree[k, 2])
        while child >= 0:
            if within[child] > largest:
                cv2.drawContours(bitmap, [contours[child]], 0, 0, cv2.FILLED, offset=(-x, -y))
                cv2.drawContours(bitmap, [contours[child]], 0, 1, 1, offset=(-x, -y))  # its outline is set
                holes += 1
            child = int(tree[child, 0])
        outline = contours[k] - np.array([x, y], np.int32)
        parts.append(Part(bitmap, x - MARGIN, y - MARGIN, cv2.countNonZero(bitmap), outline, holes))
    return tuple(parts), float(np.maximum(steps[outer[_MOST_PARTS:]] / 2, 1.0).sum())
