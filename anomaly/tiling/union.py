"""The parts of one object, put together in its own box."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from anomaly.tiling.crossing import split
from anomaly.tiling.ends import Link
from anomaly.tiling.evidence import TOUCH, Sight
from anomaly.tiling.piece import Merged, Region, cut, grown, hull, is_empty, paste, region_of, shared
from anomaly.types import Box, Mask

_SLIT = 2 * TOUCH - 1
"""Pixels: the kernel that closes what masks leave open that touch within `TOUCH`."""


def united(
    parts: Sequence[Sight], members: Sequence[int], bridges: Sequence[Link], scores: Sequence[float]
) -> list[Merged]:
    """Put the `members` of `parts` together, bridged where they are linked; taken apart where lines cross."""
    own = [parts[index] for index in members]
    x0, y0, x1, y1 = hull([each.region for each in own])
    canvas = np.zeros((y1 - y0, x1 - x0), np.uint8)
    for each in own:
        paste(canvas, (x0, y0), each.mask)
    for view in {each.view for each in own} if len(own) > 1 else ():
        _seam(canvas, (x0, y0), view)
    for link in bridges:
        _bridge(canvas, (x0, y0), link, min(parts[link.first].width, parts[link.second].width))
    areas = np.array([each.mask.area for each in own], float)
    mask = Mask(
        canvas.view(np.bool_),
        x0,
        y0,
        float(np.average([each.mask.score for each in own], weights=areas)),
        float(np.average([each.mask.cell_pixels for each in own], weights=areas)),
    )
    score = max(scores[index] for index in members)
    label = own[0].piece.label
    lines = split(mask) if areas @ [each.line for each in own] > areas.sum() / 2 else [mask]
    if len(lines) == 1:
        box = hull_box([each.piece.box for each in own], [mask])
        return [Merged(label, score, box, mask, len(own))]
    shares = [[_share(parts[index].mask, line) for index in members] for line in lines]
    return [
        Merged(
            label,
            max(
                (scores[index] for index, part in zip(members, share, strict=True) if part >= 0.5),
                default=score,
            ),
            hull_box([], [line]),
            line,
            sum(part >= 0.5 for part in share) or 1,
        )
        for line, share in zip(lines, shares, strict=True)
    ]


def _bridge(canvas: NDArray[np.uint8], origin: tuple[int, int], link: Link, width: float) -> None:
    """Carry a line on from tip to tip, and fill what notches that leaves."""
    ends = [(round(tip.x) - origin[0], round(tip.y) - origin[1]) for tip in (link.start, link.end)]
    cv2.line(canvas, ends[0], ends[1], 1, max(1, int(width)))
    margin = round(width / 2) + TOUCH
    (left, right), (top, bottom) = (sorted(values) for values in zip(*ends, strict=True))
    _close(canvas, (left - margin, top - margin, right + margin, bottom + margin), (_SLIT, _SLIT))


def _seam(canvas: NDArray[np.uint8], origin: tuple[int, int], view: Region) -> None:
    """Close, straight across, the slit between masks that end a pixel or two before their views do."""
    (x0, y0, x1, y1), (x, y) = view, origin
    for at in (x0 - x, x1 - x):
        _close(canvas, (at - TOUCH, y0 - y, at + TOUCH, y1 - y), (_SLIT, 1))
    for at in (y0 - y, y1 - y):
        _close(canvas, (x0 - x, at - TOUCH, x1 - x, at + TOUCH), (1, _SLIT))


def _close(canvas: NDArray[np.uint8], region: Region, size: tuple[int, int]) -> None:
    frame = (0, 0, canvas.shape[1], canvas.shape[0])
    region = shared(region, frame)
    if is_empty(region):
        return
    x0, y0, x1, y1 = shared(grown(region, _SLIT), frame)
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, size)
    around = cv2.copyMakeBorder(
        canvas[y0:y1, x0:x1], _SLIT, _SLIT, _SLIT, _SLIT, cv2.BORDER_CONSTANT, value=0
    )
    closed = np.asarray(cv2.morphologyEx(around, cv2.MORPH_CLOSE, kernel), np.uint8)
    left, top = region[0] - x0 + _SLIT, region[1] - y0 + _SLIT
    inner = canvas[region[1] : region[3], region[0] : region[2]]
    inner |= closed[top : top + inner.shape[0], left : left + inner.shape[1]]


def _share(part: Mask, line: Mask) -> float:
    return float(np.count_nonzero(cut(part, region_of(line)) & cut(line, region_of(line)))) / max(
        part.area, 1
    )


def hull_box(boxes: Sequence[Box], masks: Sequence[Mask]) -> Box:
    """Return the smallest box that holds all boxes and all masks."""
    corners = [(each.x_min, each.y_min, each.x_max, each.y_max) for each in boxes]
    corners += [region_of(mask) for mask in masks]
    left, top, right, bottom = zip(*corners, strict=True)
    return Box(float(min(left)), float(min(top)), float(max(right)), float(max(bottom)))
