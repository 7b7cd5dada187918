import math
import time

import numpy as np
import pytest

from anomaly.backends import fake
from anomaly.types import Box, Image


def photo(seed: int, height: int = 120, width: int = 200) -> Image:
    """Return noise."""
    return np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8)


def test_the_same_photograph_gives_the_same_findings_and_another_gives_others():
    """What is found hangs on the pixels and the size, not on the object or on what came before."""
    finder = fake.load()
    first, other, again = finder.detect([photo(1), photo(2), photo(1)], 0.0)
    assert first == again == fake.load().detect([photo(1)], 0.0)[0]
    assert first != other
    grey = np.full((120, 200, 3), 128, np.uint8)
    assert finder.detect([grey], 0.0) != finder.detect([grey[:119]], 0.0)


@pytest.mark.parametrize("boxes", [0, 1, 9])
def test_it_finds_as_many_things_as_it_is_told(boxes):
    """`boxes` per photograph, defects and structures, all above the usual threshold."""
    (found,) = fake.load(boxes=boxes).detect([photo(1)], 0.3)
    assert len(found) == boxes
    assert sorted(each.label for each in found) == sorted(
        fake.LABELS[number % len(fake.LABELS)] for number in range(boxes)
    )


def test_its_mask_is_a_bar_along_the_diagonal_of_known_width():
    """Length the diagonal, width an eighth of the shorter side: area within the pixels of its rim."""
    image = photo(1, 300, 500)
    ((mask,),) = fake.load().segment([image], [[Box(100.0, 50.0, 400.0, 210.0)]])
    diagonal, width = math.hypot(300, 160), 160 / 8
    assert (mask.x, mask.y, mask.bitmap.shape) == (100, 50, (160, 300))
    # The two tips are cut off by the box: each loses half of width^2 / (2 sin cos) of the bar's end.
    lost = width**2 / 4 * (300 / 160 + 160 / 300)
    assert mask.area == pytest.approx(diagonal * width - lost, rel=0.02)
    assert mask.bitmap[0, 0]
    assert mask.bitmap[-1, -1]
    assert not mask.bitmap[0, -1]


def test_a_batch_costs_what_is_set():
    """The time of a batch plus that of each image; an empty batch, and segmenting, cost none of it."""
    finder = fake.load(batch_ms=40, image_ms=20)
    start = time.perf_counter()
    finder.detect([photo(1), photo(2)], 0.3)
    assert time.perf_counter() - start >= 0.08
    assert finder.detect([], 0.3) == []
    assert finder.card.details == {"batch_ms": 40, "image_ms": 20, "boxes": 3}


def test_a_large_photograph_is_only_sampled():
    """A change of a pixel that it does not look at changes nothing: it reads a thousandth of a 4K photograph."""
    image = np.zeros((2160, 3840, 3), np.uint8)
    (before,) = fake.load().detect([image], 0.0)
    image[1, 1] = 255
    assert fake.load().detect([image], 0.0) == [before]


def test_its_card_says_that_nothing_it_finds_is_real():
    """Nobody takes it for a model."""
    assert "finds nothing real" in fake.load().card.note
