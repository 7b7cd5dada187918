"""A skeleton traced into a graph: arcs of ordered pixels between nodes."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from anomaly.geometry.thinning import codes, offsets, thin
from anomaly.types import Polyline

FREE = -1
"""The node of an arc's end at which nothing else begins."""

_SHORT = 8
"""An arc of fewer pixels that touches one node with both ends is a stub beside it, not a loop."""


@dataclass(frozen=True, slots=True)
class Arc:
    """A stretch of skeleton without a fork: `points` (N, 2) float32 xy, from node `start` to node `end`."""

    points: Polyline
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Graph:
    """The skeleton of one part: `nodes` (M, 2) float32 xy are its forks. Where it is one ring without a fork,
    `closed` says so, and the first and the last point of its only arc are neighbours."""

    nodes: Polyline
    arcs: tuple[Arc, ...]
    closed: bool = False

    def scaled(self, factor: int, shift: float) -> "Graph":
        """Return the graph of a mask `factor` times as large, moved by `shift` pixels in x and y."""
        move = np.float32(shift)
        arcs = tuple(Arc(arc.points * factor + move, arc.start, arc.end) for arc in self.arcs)
        return Graph(self.nodes * factor + move, arcs, self.closed)


def trace(mask: NDArray[np.uint8]) -> Graph:
    """Thin `mask`, (H, W) uint8 of 0 and 1 with a margin of at least two zeros, and trace its skeleton."""
    skeleton = thin(mask)
    flat = skeleton.reshape(-1)
    at = np.flatnonzero(flat.view(np.bool_))
    around = offsets(skeleton.shape[1])
    code = codes(flat, at, around)
    forks = at[_BRANCHES[code] >= 3]
    if not forks.size:
        return _single(skeleton, closed=bool((_NEIGHBOURS[code] >= 2).all()))
    for offset in (0, *around):  # forks and what touches them are cut out, so that arcs do not touch
        flat[forks + offset] = 0
    nodes, owner = _clusters(set(forks.tolist()), at[flat[at] == 0].tolist(), around)
    arcs = []
    contours, _ = cv2.findContours(skeleton, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    for contour in contours:
        points = _walk(np.asarray(contour, np.int32).reshape(-1, 2))
        start, end = _ends(points, owner, around)
        pieces = [points] if start == FREE else [nodes[start][None], points]
        if end != FREE:
            pieces.append(nodes[end][None])
        arcs.append(Arc(np.vstack(pieces).astype(np.float32), start, end))
    return Graph(nodes, tuple(arcs))


def _single(skeleton: NDArray[np.uint8], closed: bool) -> Graph:
    none = np.empty((0, 2), np.float32)
    contours, _ = cv2.findContours(skeleton, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return Graph(none, ())
    contour = np.asarray(max(contours, key=len), np.int32).reshape(-1, 2)
    closed = closed and len(contour) >= _SHORT
    points = (contour if closed else _walk(contour)).astype(np.float32)
    return Graph(none, (Arc(points, FREE, FREE),), closed)


def _walk(contour: NDArray[np.int32]) -> NDArray[np.int32]:
    """Turn the outline of a thin line, which goes there and back, into the line."""
    n = len(contour)
    if n <= 2:
        return contour
    # At a tip the outline turns back: the pixels before and after it are the same, or touch.
    apart = np.empty(n, np.intp)
    apart[1:-1] = np.abs(contour[2:] - contour[:-2]).max(axis=1)
    apart[0], apart[-1] = np.abs(contour[1] - contour[-1]).max(), np.abs(contour[0] - contour[-2]).max()
    tips = np.flatnonzero(apart == 0)
    if tips.size < 2:
        tips = np.flatnonzero(apart <= 1)
    if tips.size < 2:
        tips = np.array([0, int(np.argmax(((contour - contour[0]) ** 2).sum(axis=1)))])
    first = int(tips[0])
    last = int(tips[np.argmin(np.abs((tips - first) % n - n / 2))])
    return contour.take(np.arange(first, first + (last - first) % n + 1), axis=0, mode="wrap")


def _clusters(
    forks: set[int], cut_out: list[int], around: tuple[int, ...]
) -> tuple[Polyline, dict[int, int]]:
    """Group the pixels that were cut out into nodes: their centres (M, 2) xy, and the node of each flat index."""
    stride = around[4]  # the neighbour to the south
    owner = dict.fromkeys(cut_out, FREE)
    nodes: list[tuple[float, float]] = []
    for seed in cut_out:
        if owner[seed] != FREE:
            continue
        owner[seed] = len(nodes)
        members = [seed]
        for pixel in members:
            for offset in around:
                if owner.get(pixel + offset, 0) == FREE:
                    owner[pixel + offset] = len(nodes)
                    members.append(pixel + offset)
        centre = np.array([m for m in members if m in forks])
        nodes.append((float((centre % stride).mean()), float((centre // stride).mean())))
    return np.array(nodes, np.float32).reshape(-1, 2), owner


def _ends(points: NDArray[np.int32], owner: dict[int, int], around: tuple[int, ...]) -> tuple[int, int]:
    """Return the nodes that the first and the last pixel of an arc touch, `FREE` where there is none."""
    first, last = (
        {owner[flat + offset] for offset in around if flat + offset in owner}
        for flat in (int(y) * around[4] + int(x) for x, y in (points[0], points[-1]))
    )
    if len(points) >= _SHORT:
        return min(first, default=FREE), min(last, default=FREE)
    both = sorted(first | last)
    if len(both) < 2:
        node = both[0] if both else FREE
        return (node, FREE) if first else (FREE, node)
    start = min(first, default=both[0])
    return start, min(last - {start}, default=next(n for n in both if n != start))


_BITS = np.array([[(code >> bit) & 1 for bit in range(8)] for code in range(256)])

_NEIGHBOURS = _BITS.sum(axis=1)
"""How many neighbours a pixel has, by its code."""

_BRANCHES = ((1 - _BITS) & np.roll(_BITS, -1, axis=1)).sum(axis=1)
"""How many runs of neighbours a pixel has, by its code: two along a line, three or more at a fork."""
