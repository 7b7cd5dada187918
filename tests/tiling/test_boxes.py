"""Boxes of all tiles put together where nothing segments."""

import cv2
import numpy as np
import pytest

from anomaly.tiling import Merged, Piece, merge, plan_tiles
from anomaly.types import Box, Mask
from tests.tiling.drawn import curve, everything, scene, seen, stroke


@pytest.mark.parametrize("seed", range(10))
def test_boxes_without_masks_are_joined_at_the_seams(seed: int) -> None:
    """Where nothing segments, a crack's boxes in all tiles become one box around it."""
    rng = np.random.default_rng([seed, 11])
    width, height, side, _ = scene(rng)
    crack = stroke(curve(rng, width, height), 5, width, height)
    pieces = seen([crack], [*plan_tiles(width, height, side, 40), everything(width, height)], rng)

    merged = merge([piece._replace(mask=None) for piece in pieces], width, height)

    x, y, wide, high = cv2.boundingRect(crack)
    assert [(each.box, each.mask) for each in merged] == [(Box(x, y, x + wide, y + high), None)]


@pytest.mark.parametrize("seed", range(6))
def test_boxes_that_are_a_little_off_are_joined_all_the_same(seed: int) -> None:
    """A detector's boxes miss a slender crack by a dozen pixels, at the seams too."""
    rng = np.random.default_rng(seed)
    width, height = 1800, 1400
    drawing = stroke(curve(rng, width, height), 5, width, height)
    pieces = []
    for piece in seen([drawing], plan_tiles(width, height, 512, 85), rng):
        view, box = piece.view, piece.box
        x0, y0, x1, y1 = (
            value + rng.uniform(-12, 12) for value in (box.x_min, box.y_min, box.x_max, box.y_max)
        )
        left, top = np.clip(x0, view.x_min, view.x_max - 4), np.clip(y0, view.y_min, view.y_max - 4)
        off = Box(
            float(left),
            float(top),
            float(np.clip(x1, left + 2, view.x_max)),
            float(np.clip(y1, top + 2, view.y_max)),
        )
        pieces.append(piece._replace(box=off, mask=None))

    merged = merge(pieces, width, height)

    assert len(merged) == 1
    y, x = np.nonzero(drawing)
    found = merged[0].box
    corners = (found.x_min, found.y_min, found.x_max, found.y_max)
    assert corners == pytest.approx((x.min(), y.min(), x.max() + 1, y.max() + 1), abs=14)


def test_a_small_box_inside_a_large_one_is_another_defect() -> None:
    """A diagonal crack's box is mostly empty: what lies in it, seen by another tile, is not the crack."""
    left, right = Box(0, 0, 300, 300), Box(260, 0, 560, 300)
    crack = Piece("crack", 0.9, Box(20, 20, 300, 280), None, left)
    other_half = Piece("crack", 0.8, Box(260, 230, 420, 295), None, right)
    small = Piece("crack", 0.7, Box(270, 40, 290, 70), None, right)

    merged = merge([crack, other_half, small], 560, 300)

    assert [each.box for each in merged] == [Box(20, 20, 420, 295), Box(270, 40, 290, 70)]


def test_an_empty_mask_is_not_lost() -> None:
    """A detection in which the segmenter found nothing stays a detection with nothing in it."""
    empty = Mask(np.zeros((10, 10), np.bool_), 5, 5, 0.2)
    piece = Piece("crack", 0.6, Box(5, 5, 15, 15), empty, Box(0, 0, 100, 100))

    assert merge([piece], 400, 400) == [Merged("crack", 0.6, piece.box, empty)]
