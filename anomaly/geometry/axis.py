"""From a skeleton's graph to centre lines: spurs pruned, steps smoothed, ends taken to the tips."""

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from anomaly.geometry.skeleton import FREE, Arc, Graph
from anomaly.types import Polyline

_SPUR = 0.8
"""A side branch counts when its tip stands out of the fork's disc by more than this many radii."""


def centre_lines(mask: NDArray[np.uint8], distance: NDArray[np.float32], graph: Graph) -> list[Polyline]:
    """Return the centre lines of one part, (N, 2) float32 xy each, from tip to tip.

    `distance` (H, W) float32 is each pixel's distance to the nearest unset pixel, `graph` the skeleton.
    """
    arcs = _join(_prune(graph, distance), graph.nodes)
    lines = []
    for arc in arcs:
        closed = graph.closed
        line = _smooth(arc.points, _sigma(arc.points, distance), closed)
        if closed:
            line = np.vstack([line, line[:1]])
        else:
            if arc.start == FREE:
                line = _extend(line[::-1], mask, distance)[::-1]
            if arc.end == FREE:
                line = _extend(line, mask, distance)
        lines.append(np.ascontiguousarray(line, np.float32))
    return lines


def length(line: Polyline) -> float:
    """Arc length of a polyline, pixels."""
    return float(np.hypot(*np.diff(line, axis=0).T).sum()) if len(line) > 1 else 0.0


def _at(distance: NDArray[np.float32], point: NDArray[np.floating]) -> float:
    y = min(max(round(float(point[1])), 0), distance.shape[0] - 1)
    x = min(max(round(float(point[0])), 0), distance.shape[1] - 1)
    return float(distance[y, x])


def _prune(graph: Graph, distance: NDArray[np.float32]) -> list[Arc]:
    arcs = list(graph.arcs)
    radius = [max(1.0, _at(distance, node)) for node in graph.nodes]
    while True:
        worst, least = None, 0.0
        for i, arc in enumerate(arcs):
            if (arc.start == FREE) == (arc.end == FREE):
                continue
            tip, node = (arc.points[0], arc.end) if arc.start == FREE else (arc.points[-1], arc.start)
            reach = float(np.hypot(*(tip - graph.nodes[node]))) + _at(distance, tip) - radius[node]
            excess = reach / radius[node] - _SPUR
            if excess < 0 and (worst is None or excess < least):
                worst, least = i, excess
        if worst is None:
            return arcs
        gone = arcs.pop(worst)
        node = gone.end if gone.start == FREE else gone.start
        touching = [i for i, arc in enumerate(arcs) if node in (arc.start, arc.end)]
        if len(touching) == 2:
            first, second = arcs[touching[0]], arcs[touching[1]]
            arcs = [arc for i, arc in enumerate(arcs) if i not in touching]
            arcs.append(_link(first, second, node))
        elif len(touching) == 1 and arcs[touching[0]].start != arcs[touching[0]].end:
            arc = arcs[touching[0]]
            arcs[touching[0]] = replace(arc, start=FREE) if arc.start == node else replace(arc, end=FREE)
        elif not touching:
            arcs.append(replace(gone, start=FREE, end=FREE))
            return arcs


def _link(first: Arc, second: Arc, node: int) -> Arc:
    if first.end != node:
        first = Arc(first.points[::-1], first.end, first.start)
    if second.start != node:
        second = Arc(second.points[::-1], second.end, second.start)
    return Arc(np.vstack([first.points, second.points[1:]]), first.start, second.end)


def _join(arcs: list[Arc], nodes: Polyline) -> list[Arc]:
    """At each fork, run the two arcs that continue each other most nearly straight into one."""
    for node in range(len(nodes)):
        ends = [(i, arc) for i, arc in enumerate(arcs) if (arc.start == node) != (arc.end == node)]
        if len(ends) < 2:
            continue
        away = []
        for _, arc in ends:
            points = arc.points if arc.start == node else arc.points[::-1]
            step = points[min(len(points) - 1, 12)] - points[0]
            away.append(step / max(float(np.hypot(*step)), 1e-6))
        best = min(
            ((float(away[a] @ away[b]), a, b) for a in range(len(ends)) for b in range(a)),
        )
        _, a, b = best
        joined = _link(ends[a][1], ends[b][1], node)
        gone = {ends[a][0], ends[b][0]}
        arcs = [arc for i, arc in enumerate(arcs) if i not in gone] + [joined]
    return arcs


def _sigma(points: Polyline, distance: NDArray[np.float32]) -> float:
    x, y = np.rint(points).astype(np.intp).T
    return float(np.clip(0.6 * np.median(distance[y, x]), 1.5, 6.0))


def _smooth(points: Polyline, sigma: float, closed: bool) -> Polyline:
    n = len(points)
    if n < 4:
        return points
    half = min(int(3 * sigma + 1), n - 1)
    if closed:
        padded = np.take(points, np.arange(-half, n + half), axis=0, mode="wrap")
    else:  # reflected through the end points, so that these stay
        padded = np.vstack(
            [2 * points[0] - points[half:0:-1], points, 2 * points[-1] - points[-2 : -half - 2 : -1]]
        )
    kernel = cv2.getGaussianKernel(2 * half + 1, sigma).astype(np.float32)
    return np.ascontiguousarray(cv2.filter2D(padded, -1, kernel)[half : half + n])


def _extend(line: Polyline, mask: NDArray[np.uint8], distance: NDArray[np.float32]) -> Polyline:
    """Carry the last point on, straight, to where the mask ends."""
    radius = max(1.0, _at(distance, line[-1]))
    back = int(min(len(line) - 1, np.ceil(2 * radius) + 2))
    if back < 1:
        return line
    direction = line[-1] - line[-1 - back]
    direction = direction / max(float(np.hypot(*direction)), 1e-6)
    side = np.array([-direction[1], direction[0]])
    steps = np.arange(0.0, 4 * radius + 4, 0.25)
    lanes = np.linspace(-0.3, 0.3, 5) * radius
    at = line[-1] + steps[:, None, None] * direction + lanes[None, :, None] * side
    x = np.clip(np.rint(at[..., 0]).astype(np.intp), 0, mask.shape[1] - 1)
    y = np.clip(np.rint(at[..., 1]).astype(np.intp), 0, mask.shape[0] - 1)
    out = mask[y, x] == 0
    reach = np.where(out.any(axis=0), out.argmax(axis=0), 0) * 0.25 - 0.125
    return np.vstack([line, line[-1] + max(0.0, float(np.mean(reach))) * direction])
