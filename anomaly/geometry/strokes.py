"""The skeleton's graph made sense of: spurs pruned, arcs that continue each other joined into strokes."""

import heapq
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray

from anomaly.geometry.shape import Shape
from anomaly.geometry.skeleton import FREE, Graph
from anomaly.types import Polyline

_SPUR_RADII = 0.8
"""A side branch counts when its tip stands out of the fork's disc by more than this many radii, and ..."""

_STUB_RADII = 0.4
_BLUNT = 0.5
"""A stub that is at its tip this share of the fork's disc, as no rough edge is, counts sooner: the skeleton's way into
a right corner stands out by 0.2 radii where it is as blunt."""

_SPUR_PIXELS = 0.7
"""... this many pixels: at a radius of a pixel, one pixel of noise is a radius."""

_STRAIGHT_ON = -0.7
"""Cosine between two arcs that leave a fork, under which they continue each other: a turn of up to 45 degrees."""


@dataclass(frozen=True, slots=True)
class Stroke:
    """A run of skeleton from one end to the other: `points` (N, 2) float32 xy, from node `start` to node
    `end` (`FREE` at a tip), straight through the forks in `through`."""

    points: Polyline
    start: int
    end: int
    through: tuple[int, ...] = ()

    def reversed(self) -> "Stroke":
        """Return the same stroke, told from its end."""
        return Stroke(self.points[::-1], self.end, self.start, self.through)


def fork_radii(graph: Graph, shape: Shape) -> list[float]:
    """Return the radius of the largest disc in the mask near each fork, pixels, at least 1.

    Thinning puts a fork off the spot by up to half a width, where the distance is smaller than the shape's radius.
    """
    radii, distance = [], shape.distance
    for node in graph.nodes:
        x, y = round(float(node[0])), round(float(node[1]))
        r = int(shape.radius(node)) + 2
        near = distance[max(0, y - r) : y + r + 1, max(0, x - r) : x + r + 1]
        radii.append(float(near.max(initial=1.0)))
    return radii


class _Web:
    """The strokes of a graph while it is being pruned, and which of them meet at which node."""

    def __init__(self, graph: Graph) -> None:
        self.strokes: dict[int, Stroke] = {}
        self.meet: dict[int, set[int]] = {n: set() for n in range(len(graph.nodes))}
        self._next = count()
        for arc in graph.arcs:
            self.add(Stroke(arc.points, arc.start, arc.end))

    def add(self, stroke: Stroke) -> int:
        key = next(self._next)
        self.strokes[key] = stroke
        for node in (stroke.start, stroke.end):
            if node != FREE:
                self.meet[node].add(key)
        return key

    def pop(self, key: int) -> Stroke:
        stroke = self.strokes.pop(key)
        for node in (stroke.start, stroke.end):
            if node != FREE:
                self.meet[node].discard(key)
        return stroke

    def link(self, a: int, b: int, node: int) -> int:
        """Make one stroke of two that meet at `node`."""
        first, second = self.pop(a), self.pop(b)
        if first.end != node:
            first = first.reversed()
        if second.start != node:
            second = second.reversed()
        points = np.vstack([first.points, second.points[1:]])
        return self.add(Stroke(points, first.start, second.end, first.through + second.through))

    def settle(self, node: int) -> int | None:
        """Where a node is no fork any more, free the one end that is left there or link the two."""
        left = sorted(self.meet[node])
        if any(self.strokes[k].start == self.strokes[k].end for k in left):
            return None
        if len(left) == 2:
            return self.link(left[0], left[1], node)
        if len(left) == 1:
            s = self.pop(left[0])
            start, end = (FREE if n == node else n for n in (s.start, s.end))
            return self.add(Stroke(s.points, start, end, s.through))
        return None


def strokes(graph: Graph, shape: Shape, radii: list[float]) -> list[Stroke]:
    """Return the strokes of the skeleton of `shape`; `radii` are those of `fork_radii`."""
    web = _Web(graph)
    for node in list(web.meet):  # forks whose side branches were shorter than the cut round a fork
        web.settle(node)
    _prune(web, graph.nodes, radii, shape)
    _join(web, radii)
    return list(web.strokes.values())


def _prune(web: _Web, nodes: Polyline, radii: list[float], shape: Shape) -> None:
    """Take away the side branches that stand out least, one by one, until all that are left count."""

    def excess(stroke: Stroke) -> float:
        if (stroke.start == FREE) == (stroke.end == FREE):
            return np.inf
        tip, node = (
            (stroke.points[0], stroke.end) if stroke.start == FREE else (stroke.points[-1], stroke.start)
        )
        blunt = shape.radius(tip)
        stands_out = float(np.hypot(*(tip - nodes[node]))) + blunt - radii[node]
        stub = blunt > _BLUNT * radii[node]
        if stub and shape.frame is not None:  # at the photograph's edge a line is cut off at a slant
            stub = bool(shape.frame.holds(tip[None], 2.0 * radii[node])[0])
        least = _STUB_RADII if stub else _SPUR_RADII
        return (stands_out - _SPUR_PIXELS) / radii[node] - least

    queue = [(excess(stroke), key) for key, stroke in web.strokes.items()]
    heapq.heapify(queue)
    while queue:
        least, key = heapq.heappop(queue)
        if least >= 0:
            break
        if key not in web.strokes:
            continue
        gone = web.pop(key)
        node = gone.end if gone.start == FREE else gone.start
        if not web.meet[node]:  # the last of its fork is no spur
            web.add(Stroke(gone.points, FREE, FREE, gone.through))
            continue
        changed = web.settle(node)
        if changed is not None:
            heapq.heappush(queue, (excess(web.strokes[changed]), changed))


def _join(web: _Web, radii: list[float]) -> None:
    """At each fork, run the strokes that continue each other most nearly straight into one."""
    for node, radius in enumerate(radii):
        through = False
        while True:
            ends = [k for k in sorted(web.meet[node]) if web.strokes[k].start != web.strokes[k].end]
            if len(ends) < 2:
                break
            away = [_heading(web.strokes[k], node, radius) for k in ends]
            cosine, a, b = min((float(away[a] @ away[b]), a, b) for a in range(len(ends)) for b in range(a))
            if through and cosine > _STRAIGHT_ON:
                break
            key = web.link(ends[a], ends[b], node)
            joined = web.strokes[key]
            web.strokes[key] = Stroke(joined.points, joined.start, joined.end, (*joined.through, node))
            through = True


def _heading(stroke: Stroke, node: int, radius: float) -> NDArray[np.float64]:
    """Return the direction in which a stroke leaves a fork, a unit vector, taken outside the fork's disc."""
    points = (stroke.points if stroke.start == node else stroke.points[::-1]).astype(np.float64)
    apart = np.hypot(points[:, 0] - points[0, 0], points[:, 1] - points[0, 1])
    far = int(np.argmax(apart > 2.5 * radius + 3)) or len(points) - 1
    near = min(int(np.argmax(apart > radius)), max(far - 1, 0))
    step = points[far] - points[near]
    return np.asarray(step / max(float(np.hypot(*step)), 1e-9), np.float64)
