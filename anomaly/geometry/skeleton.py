"""A skeleton traced into a graph: arcs of ordered pixels between nodes."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from anomaly.geometry.thinning import codes, offsets, thin
from anomaly.types import Polyline

FREE = -1
"""The node of an arc's end at which nothing else begins."""


@dataclass(frozen=True, slots=True)
class Arc:
    """A stretch of skeleton without a fork: `points` (N, 2) float32 xy, from node `start` to node `end`."""

    points: Polyline
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Graph:
    """The skeleton of one part. `nodes` (M, 2) float32 xy are its forks; a closed loop without a fork
    is one arc whose first and last points are neighbours (`closed`)."""

    nodes: Polyline
    arcs: tuple[Arc, ...]
    closed: bool = False


def trace(mask: NDArray[np.uint8]) -> Graph:
    """Thin `mask`, (H, W) uint8 of 0 and 1 with a margin of at least two zeros, and trace its skeleton."""
    skeleton = thin(mask)
    flat = skeleton.reshape(-1)
    stride = skeleton.shape[1]
    at = np.flatnonzero(flat.view(np.bool_))
    around = offsets(stride)
    code = codes(flat, at, around)
    forks = at[_branches()[code] >= 3]
    if not forks.size:
        return _single(skeleton, bool((_count()[code] <= 1).any()))
    cut = skeleton.copy()
    cut_flat = cut.reshape(-1)
    cut_flat[forks] = 0
    for offset in around:
        cut_flat[forks + offset] = 0
    nodes, labels = _clusters(forks, stride)
    arcs = []
    contours, _ = cv2.findContours(cut, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    for contour in contours:
        points = _walk(np.asarray(contour[:, 0, :], np.int32))
        start, end = (_nearest(points[i], forks, labels, stride) for i in (0, -1))
        if start != FREE:
            points = np.vstack([nodes[start], points])
        if end != FREE:
            points = np.vstack([points, nodes[end]])
        arcs.append(Arc(points.astype(np.float32), start, end))
    return Graph(nodes, tuple(arcs))


def _single(skeleton: NDArray[np.uint8], has_end: bool) -> Graph:
    contours, _ = cv2.findContours(skeleton, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    none = np.empty((0, 2), np.float32)
    if not contours:
        return Graph(none, ())
    contour = np.asarray(max(contours, key=len)[:, 0, :], np.int32)
    points = (_walk(contour) if has_end else contour).astype(np.float32)
    return Graph(none, (Arc(points, FREE, FREE),), closed=not has_end and len(points) > 3)


def _walk(contour: NDArray[np.integer]) -> NDArray[np.integer]:
    """Turn the contour round a thin line, there and back, into the line, once."""
    n = len(contour)
    if n <= 2:
        return contour
    # At a tip the walk turns back: the pixels before and after it are the same or touch.
    before, after = np.roll(contour, 1, axis=0), np.roll(contour, -1, axis=0)
    tips = np.flatnonzero((before == after).all(axis=1))
    if tips.size < 2:
        tips = np.flatnonzero(np.abs(before - after).max(axis=1) <= 1)
    if tips.size < 2:
        far = int(np.argmax(((contour - contour[0]) ** 2).sum(axis=1)))
        tips = np.array([0, far])
    first, last = (
        int(tips[0]),
        int(tips[-1]) if tips.size == 2 else int(tips[np.argmax(np.abs(tips - tips[0] - n / 2))]),
    )
    if tips.size > 2:
        last = int(tips[np.argmin(np.abs((tips - first) % n - n / 2))])
    span = (last - first) % n
    return np.take(contour, np.arange(first, first + span + 1), axis=0, mode="wrap")


def _clusters(forks: NDArray[np.intp], stride: int) -> tuple[Polyline, NDArray[np.intp]]:
    """Group fork pixels that lie within three pixels of each other: (nodes (M, 2) xy, node of each fork)."""
    xy = np.stack([forks % stride, forks // stride], axis=1)
    labels = np.full(len(forks), -1, np.intp)
    nodes: list[NDArray[np.floating]] = []
    if len(forks) > 2000:  # a pathological mask: every fork is its own node
        return xy.astype(np.float32), np.arange(len(forks))
    near = np.abs(xy[:, None, :] - xy[None, :, :]).max(axis=2) <= 3
    for seed in range(len(forks)):
        if labels[seed] >= 0:
            continue
        members = near[seed]
        while True:
            grown = near[members].any(axis=0)
            if (grown == members).all():
                break
            members = grown
        labels[members] = len(nodes)
        nodes.append(xy[members].mean(axis=0))
    return np.array(nodes, np.float32), labels


def _nearest(
    point: NDArray[np.integer], forks: NDArray[np.intp], labels: NDArray[np.intp], stride: int
) -> int:
    apart = np.maximum(np.abs(forks % stride - point[0]), np.abs(forks // stride - point[1]))
    nearest = int(np.argmin(apart))
    return int(labels[nearest]) if apart[nearest] <= 2 else FREE


def _branches() -> NDArray[np.intp]:
    code = np.arange(256)
    bits = [(code >> k) & 1 for k in range(8)]
    return np.asarray(sum((1 - bits[k]) & bits[(k + 1) % 8] for k in range(8)))


def _count() -> NDArray[np.intp]:
    code = np.arange(256)
    return np.asarray(sum((code >> k) & 1 for k in range(8)))
