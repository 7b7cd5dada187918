"""Objects that tiles cut apart come out once and whole; different ones stay apart."""

import time
import tracemalloc
from dataclasses import replace

import cv2
import numpy as np
import pytest

from anomaly.tiling import Merged, Piece, merge, plan_tiles
from anomaly.types import Box
from tests.tiling.drawn import coarse, curve, everything, length, lengths, scene, seen, straight, stroke

SIDE = 220


def areas(merged: list[Merged]) -> list[int]:
    """Mask areas, largest first."""
    return sorted((each.mask.area for each in merged if each.mask is not None), reverse=True)


@pytest.mark.parametrize("seed", range(100, 140))
def test_a_crack_across_any_number_of_tiles_is_one(seed: int) -> None:
    """A drawn crack of any shape and angle comes out as one, its length within 3 %."""
    rng = np.random.default_rng(seed)
    width, height, side, overlap = scene(rng)
    crack = stroke(curve(rng, width, height), int(rng.integers(3, 13)), width, height)
    jitter, blind = int(rng.integers(0, 2)) if overlap else 0, int(rng.integers(0, 2))
    pieces = seen([crack], plan_tiles(width, height, side, overlap), rng, jitter=jitter, blind=blind)
    if rng.random() < 0.5:
        pieces += seen([crack], [everything(width, height)], rng)

    merged = merge(pieces, width, height)

    assert len(merged) == 1
    assert lengths(merged, width, height)[0] == pytest.approx(length(crack), rel=0.03)
    assert merged[0].score == max(piece.score for piece in pieces)


@pytest.mark.parametrize("seed", range(24))
@pytest.mark.parametrize("found_as", ["two", "one", "either"])
def test_two_cracks_that_cross_stay_two(seed: int, found_as: str) -> None:
    """However the tiles at the crossing saw them, both come out, each at its own length."""
    rng = np.random.default_rng([seed, 7])
    width, height, side, overlap = scene(rng)
    centre = np.array([width, height]) * rng.uniform(0.4, 0.6, 2)
    angle = rng.uniform(0, np.pi)
    cracks = []
    for turn in (0.0, rng.uniform(0.7, np.pi / 2)):
        direction = np.array([np.cos(angle + turn), np.sin(angle + turn)])
        along = np.linspace(-0.5, 0.5, 50) * rng.uniform(0.55, 0.75) * min(width, height)
        cracks.append(stroke(centre + np.outer(along, direction), int(rng.integers(3, 9)), width, height))
    pieces = []
    for view in [*plan_tiles(width, height, side, overlap), everything(width, height)]:
        together = found_as == "one" or (found_as == "either" and rng.random() < 0.5)
        pieces += seen([cracks[0] | cracks[1]] if together else cracks, [view], rng)

    merged = merge(pieces, width, height)

    assert lengths(merged, width, height) == pytest.approx(
        sorted(map(length, cracks), reverse=True), rel=0.03
    )


@pytest.mark.parametrize("seed", range(12))
def test_cracks_side_by_side_stay_apart(seed: int) -> None:
    """Two parallel cracks stay two, even under one coarse mask of the whole photograph."""
    rng = np.random.default_rng([seed, 8])
    width, height, side, overlap = scene(rng)
    points, thickness = curve(rng, width, height), int(rng.integers(3, 7))
    ahead = points[-1] - points[0]
    aside = np.array([-ahead[1], ahead[0]]) / np.hypot(*ahead) * (thickness + 18)
    cracks = [stroke(each, thickness, width, height) for each in (points, points + aside)]
    pieces = seen(cracks, plan_tiles(width, height, side, overlap), rng)
    patch = np.asarray(cv2.dilate(cracks[0] | cracks[1], np.ones((15, 15), np.uint8)), np.uint8)
    pieces += seen([patch], [everything(width, height)], rng, cell=12.0)

    merged = merge(pieces, width, height)

    assert lengths(merged, width, height) == pytest.approx(
        sorted(map(length, cracks), reverse=True), rel=0.03
    )


@pytest.mark.parametrize("seed", range(12))
def test_a_gap_at_a_seam_is_bridged(seed: int) -> None:
    """Where tiles miss the last pixels before their borders, the crack still goes on, at its length."""
    rng = np.random.default_rng([seed, 9])
    crack = straight((60, 330 + rng.uniform(-60, 60)), (600, 330 + rng.uniform(-60, 60)), 6, 660)
    pieces = seen([crack], plan_tiles(660, 660, SIDE, 0), rng, blind=int(rng.integers(2, 7)))

    merged = merge(pieces, 660, 660)

    assert len(merged) == 1
    assert lengths(merged, 660, 660)[0] == pytest.approx(length(crack), rel=0.03)


def test_a_gap_wider_than_three_widths_is_none_of_ours_to_bridge() -> None:
    """What is too far apart stays two."""
    crack = straight((60, 300), (600, 320), 6, 660)
    views = plan_tiles(660, 660, 330, 0)

    assert len(merge(seen([crack], views, np.random.default_rng(0), blind=16), 660, 660)) == 2


def test_a_sharp_turn_across_a_gap_is_another_crack() -> None:
    """A line that begins near another's end but heads elsewhere is not its continuation."""
    one, two = straight((60, 330), (322, 330), 6, 660), straight((338, 330), (430, 560), 6, 660)
    views = plan_tiles(660, 660, 330, 0)

    assert len(merge(seen([one, two], views[:2], np.random.default_rng(0)), 660, 660)) == 2


def test_the_whole_photograph_fills_in_what_a_tile_missed() -> None:
    """A crack that the middle tiles did not see is one crack, thanks to the coarse pass."""
    rng = np.random.default_rng(3)
    crack = straight((40, 200), (860, 640), 7, 900)
    views = plan_tiles(900, 900, 300, 0)
    pieces = seen([crack], [view for view in views if not 300 <= view.x_min < 600], rng)
    pieces += seen([coarse(crack, 8)], [everything(900, 900)], rng, cell=8.0)

    merged = merge(pieces, 900, 900)

    assert len(merged) == 1
    assert lengths(merged, 900, 900)[0] == pytest.approx(length(crack), rel=0.03)
    assert merged[0].mask is not None
    assert 1.0 < merged[0].mask.cell_pixels < 8.0


def test_a_coarse_mask_does_not_broaden_a_fine_one() -> None:
    """Where tiles saw the crack, the whole photograph's mask of it adds no pixel."""
    rng = np.random.default_rng(4)
    crack = straight((100, 150), (800, 700), 4, 900)
    pieces = seen([crack], plan_tiles(900, 900, 340, 60), rng)
    blurred = seen([coarse(crack, 12)], [everything(900, 900)], rng, cell=12.0)

    merged = merge([*pieces, *blurred], 900, 900)

    assert areas(merged) == areas(merge(pieces, 900, 900)) == [int(crack.sum())]


def test_what_only_the_whole_photograph_shows_is_kept() -> None:
    """An object that no tile found stands on its own."""
    crack = straight((100, 150), (800, 700), 9, 900)
    pieces = seen([crack], [everything(900, 900)], np.random.default_rng(5))

    merged = merge(pieces, 900, 900)

    assert areas(merged) == [int(crack.sum())]
    assert merged[0].box == pieces[0].box


def test_a_fork_stays_one_crack() -> None:
    """A crack with a branch across a seam is one, branch and all."""
    fork = straight((80, 300), (820, 340), 7, 900) | straight((430, 318), (640, 120), 5, 900)
    pieces = seen([fork], plan_tiles(900, 900, 330, 45), np.random.default_rng(6))

    merged = merge(pieces, 900, 900)

    assert areas(merged) == [int(fork.sum())]


@pytest.mark.parametrize("overlap", [0, 40])
def test_a_patch_across_tiles_is_one(overlap: int) -> None:
    """Spalling that four tiles cut up comes out whole, to the pixel."""
    patch = np.zeros((600, 600), np.uint8)
    cv2.ellipse(patch, (310, 290), (150, 90), 25, 0, 360, 1, -1)
    pieces = seen(
        [patch], plan_tiles(600, 600, 300 + overlap, overlap), np.random.default_rng(7), label="spalling"
    )

    merged = merge(pieces, 600, 600)

    assert [each.label for each in merged] == ["spalling"]
    assert areas(merged) == [int(patch.sum())]


def test_labels_are_not_mixed() -> None:
    """A crack through a spalled patch is a crack and a patch."""
    patch = np.zeros((600, 600), np.uint8)
    cv2.circle(patch, (300, 300), 100, 1, -1)
    crack = straight((60, 280), (540, 320), 6, 600)
    views = plan_tiles(600, 600, 320, 40)
    rng = np.random.default_rng(8)
    pieces = seen([patch], views, rng, label="spalling") + seen([crack], views, rng)

    merged = merge(pieces, 600, 600)

    assert {each.label: each.mask.area for each in merged if each.mask is not None} == {
        "spalling": int(patch.sum()),
        "crack": int(crack.sum()),
    }


def test_two_detections_of_one_view_stay_two() -> None:
    """Pieces that one view saw apart are not joined because they touch."""
    one, two = straight((60, 100), (300, 100), 6, 400), straight((300, 100), (320, 360), 6, 400)

    assert len(merge(seen([one, two], [everything(400, 400)], np.random.default_rng(9)), 400, 400)) == 2


def test_one_thing_detected_twice_in_one_view_is_one() -> None:
    """Two detections of one view with nearly the same mask are one object."""
    crack = straight((60, 100), (300, 160), 6, 400)
    (piece,) = seen([crack], [everything(400, 400)], np.random.default_rng(10))

    merged = merge([piece, piece._replace(score=0.99)], 400, 400)

    assert [each.score for each in merged] == [0.99]


def test_nothing_is_nothing() -> None:
    """No pieces, no objects."""
    assert merge([], 400, 400) == []


def defects(count: int, width: int, height: int) -> list[Piece]:
    """The pieces of so many cracks, strewn over a photograph in tiles of 576 pixels."""
    rng = np.random.default_rng(12)
    views = [*plan_tiles(width, height, 576, 96), everything(width, height)]
    pieces: list[Piece] = []
    for _ in range(count):
        x, y = int(rng.integers(0, width - 500)), int(rng.integers(0, height - 500))
        small = stroke(curve(rng, 500, 500), int(rng.integers(2, 12)), 500, 500)
        for view in views:
            local = Box(view.x_min - x, view.y_min - y, view.x_max - x, view.y_max - y).clipped(500, 500)
            for piece in seen([small], [local], rng) if local.area else []:
                assert piece.mask is not None
                box = Box(piece.box.x_min + x, piece.box.y_min + y, piece.box.x_max + x, piece.box.y_max + y)
                mask = replace(piece.mask, x=piece.mask.x + x, y=piece.mask.y + y)
                pieces.append(piece._replace(box=box, mask=mask, view=view))
    return pieces


def test_sixty_defects_of_a_large_photograph_take_little_time() -> None:
    """60 cracks on 12 megapixels merge within three seconds of one busy core."""
    pieces = defects(60, 4000, 3000)

    started = time.process_time()
    merged = merge(pieces, 4000, 3000)
    took = time.process_time() - started

    assert 50 <= len(merged) <= 70
    assert took < 3.0


def test_merging_takes_memory_for_the_defects_and_none_for_the_photograph() -> None:
    """The peak stays far under the size of the photograph: no full frame is made."""
    pieces = defects(12, 8000, 6000)

    tracemalloc.start()
    merged = merge(pieces, 8000, 6000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert len(merged) >= 10
    assert peak < 12e6
