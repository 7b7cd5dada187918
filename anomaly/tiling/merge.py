"""All pieces of a photograph -> its objects, each once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from anomaly.tiling.ends import Link, links, touching
from anomaly.tiling.evidence import TOUCH, Sight, same, same_box, sight
from anomaly.tiling.groups import Groups
from anomaly.tiling.overview import remainder
from anomaly.tiling.piece import (
    Merged,
    Piece,
    cut,
    grown,
    near,
    shared,
    view_of,
)
from anomaly.tiling.union import hull_box, united
from anomaly.types import Box


def merge(pieces: Sequence[Piece], width: int, height: int) -> list[Merged]:
    """Return the objects that `pieces`, of all tiles and of the whole photograph, show; best score first.

    `width` and `height` are the photograph's, in pixels; pieces are in its coordinates. Only pieces of
    one label are joined, and pieces of one view only if they are the same thing twice:

    1. Two views show one object if their masks coincide where both could see it (`evidence.same`).
    2. Of the whole photograph's coarse masks, only what no tile saw is added (`overview.remainder`).
    3. A line that ends goes on in the line of another view that begins there (`ends.links`).
    4. Lines that cross in the union are taken apart again (`crossing.split`).

    The mask is the union, in its own box, with linked gaps bridged at the line's width. `score` is the
    highest of the pieces: an object is there if any view shows it. The mask's score and cell are means
    weighted by area. Pieces without a pixel of mask are joined by their boxes (`evidence.same_box`).
    """
    everything = Box(0.0, 0.0, float(width), float(height))
    merged: list[Merged] = []
    for label in dict.fromkeys(piece.label for piece in pieces):
        seen = [(piece, sight(piece)) for piece in pieces if piece.label == label]
        merged += _masks([each for _, each in seen if each is not None], everything)
        bare = [piece for piece, each in seen if each is None]
        merged += _boxes(
            [piece for piece in bare if not any(each and same_box(piece, other) for other, each in seen)]
        )
    return sorted(merged, key=lambda each: -each.score)


def _masks(sights: Sequence[Sight], everything: Box) -> list[Merged]:
    """Merge one label's pieces: those of the tiles first, then what the whole photograph adds to them."""
    order = sorted(sights, key=lambda each: each.piece.view == everything)
    tiles = sum(each.piece.view != everything for each in order)
    near = _neighbours(order)
    seen = Groups(tiles)
    for one in range(tiles):
        for two in near[one]:
            if one < two < tiles and seen.of(one) != seen.of(two) and same(order[one], order[two]):
                seen.join(one, two)
    parts = order[:tiles]
    scores = [each.piece.score for each in parts]
    rests: list[_Rest] = []
    for number in range(tiles, len(order)):
        whole = order[number]
        partners = [index for index in near[number] if index < tiles and same(whole, parts[index])]
        if partners:
            best = max(partners, key=lambda index: parts[index].mask.area)
            scores[best] = max(scores[best], whole.piece.score)
        related = {seen.of(index) for index in partners}
        fine = [index for index in range(tiles) if seen.of(index) in related]
        for rest in _added(whole, [parts[index] for index in partners], [parts[index] for index in fine]):
            rests.append(_Rest(len(parts), number, fine))
            parts.append(rest)
            scores.append(whole.piece.score)
    groups = Groups(len(parts))
    for members in seen.lists():
        for index in members:
            groups.join(members[0], index)
    chosen = _continue(parts, groups, rests, _with_rests(near, tiles, rests))
    merged = []
    for members in groups.lists():
        bridges = [link for link in chosen if groups.of(link.first) == members[0]]
        merged += united(parts, members, bridges, scores)
    return merged


@dataclass(frozen=True, slots=True)
class _Rest:
    """Part `index` is of the whole photograph's piece `whole`, and extends the tiles' parts `fine`."""

    index: int
    whole: int
    fine: list[int]


def _added(whole: Sight, partners: Sequence[Sight], fine: Sequence[Sight]) -> list[Sight]:
    """Return what a mask of the whole photograph adds to its `partners` and those joined with them."""
    if not partners:
        return [whole]
    if not whole.line and any(each.line for each in partners):
        return []  # a broad patch over fine lines tells that they are there, and nothing of where
    return remainder(whole, fine)


def _continue(
    parts: Sequence[Sight], groups: Groups, rests: Sequence[_Rest], near: Sequence[Sequence[int]]
) -> list[Link]:
    """Join what goes on from one part to the next; return the links at tips."""
    for number, rest in enumerate(rests):
        part = parts[rest.index]
        for index in rest.fine:  # what has no tips cannot be linked by them
            if not (part.line and parts[index].line) and _touch(part, parts[index]):
                groups.join(rest.index, index)
        for other in rests[:number]:  # the same twice, in the whole photograph
            if same(part, parts[other.index]):
                groups.join(rest.index, other.index)
    chosen = links(parts, near, groups.of)
    for link in chosen:
        groups.join(link.first, link.second)
    for one, two in list(touching(parts, near, groups.of)):
        groups.join(one, two)
    for rest in rests:  # a branch that only the whole photograph shows
        if rest.fine and groups.is_alone(rest.index):
            beside = [index for index in rest.fine if _touch(parts[rest.index], parts[index])]
            if beside:
                groups.join(rest.index, max(beside, key=lambda index: parts[index].mask.area))
    return chosen


def _with_rests(near: Sequence[Sequence[int]], tiles: int, rests: Sequence[_Rest]) -> list[list[int]]:
    """Put what is left of the whole photograph's pieces in their places among the neighbours."""
    left: dict[int, list[int]] = {}
    for rest in rests:
        left.setdefault(rest.whole, []).append(rest.index)
    owners = [*range(tiles), *(rest.whole for rest in rests)]
    return [
        [
            *(other for other in near[owner] if other < tiles),
            *(part for other in [owner, *near[owner]] for part in left.get(other, []) if part != index),
        ]
        for index, owner in enumerate(owners)
    ]


def _neighbours(parts: Sequence[Sight]) -> list[list[int]]:
    """Return for each part the others that lie near enough to be joined with it."""
    if not parts:
        return []
    regions = np.array([grown(each.region, each.reach) for each in parts])
    low, high = regions[:, :2], regions[:, 2:]
    meets = ((low[:, None] < high[None]) & (low[None] < high[:, None])).all(axis=2)
    near: list[list[int]] = [[] for _ in parts]
    for one, two in np.argwhere(np.triu(meets, 1)).tolist():
        if _has_pixels_near(parts[one], parts[two]) and _has_pixels_near(parts[two], parts[one]):
            near[one].append(two)
            near[two].append(one)
    return near


def _has_pixels_near(one: Sight, two: Sight) -> bool:
    return bool(view_of(one.mask, grown(two.region, one.reach + two.reach)).any())


def _touch(one: Sight, two: Sight) -> bool:
    region = shared(one.region, grown(two.region, TOUCH))
    return (
        region[2] > region[0]
        and region[3] > region[1]
        and bool((cut(one.mask, region) & near(two.mask, region, TOUCH)).any())
    )


def _boxes(pieces: Sequence[Piece]) -> list[Merged]:
    groups = Groups(len(pieces))
    for one, piece in enumerate(pieces):
        for two in range(one):
            if same_box(piece, pieces[two]):
                groups.join(one, two)
    merged = []
    for members in groups.lists():
        own = [pieces[index] for index in members]
        best = max(own, key=lambda piece: piece.score)
        merged.append(
            Merged(best.label, best.score, hull_box([each.box for each in own], []), best.mask, len(own))
        )
    return merged
