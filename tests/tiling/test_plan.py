"""When a photograph is tiled, and into which tiles."""

import numpy as np
import pytest

from anomaly.errors import InvalidRequest
from anomaly.tiling import auto_tiles, choose, plan_tiles
from anomaly.types import Tiles


@pytest.mark.parametrize("seed", range(30))
def test_tiles_cover_every_pixel_and_are_of_one_size(seed: int) -> None:
    """Whole-pixel tiles of one size cover the photograph, and neighbours overlap as much as asked."""
    rng = np.random.default_rng(seed)
    width, height = (int(value) for value in rng.integers(50, 900, 2))
    side = int(rng.integers(64, 400))
    overlap = int(rng.integers(0, side // 2))

    tiles = plan_tiles(width, height, side, overlap)

    covered = np.zeros((height, width), np.bool_)
    for tile in tiles:
        x0, y0, x1, y1 = (int(value) for value in (tile.x_min, tile.y_min, tile.x_max, tile.y_max))
        assert (x0, y0, x1, y1) == (tile.x_min, tile.y_min, tile.x_max, tile.y_max)
        assert (x1 - x0, y1 - y0) == (min(side, width), min(side, height))
        covered[y0:y1, x0:x1] = True
    assert covered.all()
    for starts, extent in (({tile.x_min for tile in tiles}, width), ({tile.y_min for tile in tiles}, height)):
        steps = np.diff(sorted(starts))
        assert np.all(steps <= side - overlap), extent
    assert len(set(tiles)) == len(tiles)


def test_a_photograph_just_over_twice_the_detectors_side_is_tiled() -> None:
    """Auto looks whole at what shrinks by half at most, and tiles what is larger."""
    assert choose(1152, 864, 576) is None
    plan = choose(1154, 864, 576)
    assert plan is not None
    assert plan.side == 576


def test_auto_keeps_to_the_number_of_tiles_that_the_memory_allows() -> None:
    """Where full-size tiles are too many, larger ones are taken."""
    plan = choose(8000, 6000, 576, "auto", most_tiles=40)

    assert plan is not None
    assert 20 <= len(plan.tiles) <= 40
    assert plan.side > 576


def test_little_memory_makes_fewer_and_larger_tiles() -> None:
    """Eight batches of what fits into the memory at once are what one photograph costs, within limits."""
    assert [auto_tiles(batch) for batch in (1, 2, 4, 8, 32)] == [16, 16, 32, 64, 64]
    sides = [
        plan.side
        for batch in (1, 4, 8)
        if (plan := choose(8000, 6000, 576, "auto", most_tiles=auto_tiles(batch))) is not None
    ]
    assert sides == sorted(sides, reverse=True)
    assert len(set(sides)) == 3


def test_a_detector_that_does_not_shrink_needs_no_tiles() -> None:
    """Auto leaves whole what is seen at its full size anyway."""
    assert choose(8000, 6000, 0) is None


def test_off_is_off() -> None:
    """A request may forbid tiles on any photograph."""
    assert choose(8000, 6000, 576, "off") is None


def test_a_request_for_tiles_is_followed() -> None:
    """The tile and the overlap that are asked for are those that are used."""
    plan = choose(1000, 800, 576, Tiles(tile=512, overlap=64))

    assert plan is not None
    assert (plan.side, plan.overlap, len(plan.tiles)) == (512, 64, 6)


def test_tiles_larger_than_the_photograph_are_none() -> None:
    """A tile that holds the whole photograph is the whole photograph."""
    assert choose(1000, 800, 576, Tiles(tile=1000, overlap=64)) is None


@pytest.mark.parametrize(
    ("tiles", "problem"),
    [
        (Tiles(tile=32, overlap=0), "tiling.tile is 32"),
        (Tiles(tile=512, overlap=300), "tiling.overlap is 300"),
        (Tiles(tile=512, overlap=-1), "tiling.overlap is -1"),
        (Tiles(tile=64, overlap=32), "tiles of this 4000x3000 photo"),
    ],
)
def test_a_request_out_of_range_says_what_is_wrong(tiles: Tiles, problem: str) -> None:
    """What was wrong, and what would be right, is in the message."""
    with pytest.raises(InvalidRequest, match=problem):
        choose(4000, 3000, 576, tiles)
