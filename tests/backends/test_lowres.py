"""Low-resolution logits to masks inside their boxes."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from anomaly.backends.lowres import empty, mask_in_box
from anomaly.types import Box


def grid(cells: int = 64, seed: int = 0) -> NDArray[np.float32]:
    """Smooth logits of both signs."""
    coarse = np.random.default_rng(seed).normal(size=(1, 1, cells // 8, cells // 8)).astype(np.float32)
    fine = torch.nn.functional.interpolate(torch.from_numpy(coarse), (cells, cells), mode="bicubic")
    return np.asarray(fine[0, 0].numpy(), np.float32)


@pytest.mark.parametrize(
    ("width", "height"),
    [(640, 480), (1920, 1080), (333, 77), (1, 1), (3, 2000), (2000, 2), (64, 64), (63, 65), (128, 32)],
)
def test_the_pixels_are_those_of_a_whole_enlarged_mask(width: int, height: int) -> None:
    """Inside the box every pixel is that of torch's enlargement to the whole photograph."""
    logits = grid()
    whole = torch.nn.functional.interpolate(
        torch.from_numpy(logits)[None, None], (height, width), mode="bilinear", align_corners=False
    )
    expected = (whole[0, 0] > 0).numpy()
    random = np.random.default_rng(width * height)
    for _ in range(20):
        x = np.sort(random.uniform(-0.1 * width, 1.1 * width, 2))
        y = np.sort(random.uniform(-0.1 * height, 1.1 * height, 2))
        mask = mask_in_box(logits, Box(x[0], y[0], x[1], y[1]), width, height, 0.5)
        rows, columns = mask.bitmap.shape
        part = expected[mask.y : mask.y + rows, mask.x : mask.x + columns]
        np.testing.assert_array_equal(mask.bitmap, part)


def test_a_bitmap_covers_its_box_rounded_outwards_and_clipped() -> None:
    """A box between pixels gets every pixel that it touches and none outside the photograph."""
    mask = mask_in_box(grid(), Box(-5.5, 10.2, 20.1, 300.0), 100, 90, 0.5)
    assert (mask.x, mask.y) == (0, 10)
    assert mask.bitmap.shape == (80, 21)


@pytest.mark.parametrize(
    "box",
    [
        Box(10, 10, 10, 50),
        Box(10, 50, 40, 50),
        Box(40, 50, 10, 10),
        Box(100, 0, 120, 50),
        Box(-20, 0, 0, 50),
        Box(0, 90, 50, 95),
    ],
)
def test_a_box_without_area_in_the_photograph_has_no_bitmap(box: Box) -> None:
    """Where there is no pixel to decide, the bitmap has none, and its place is still in the photograph."""
    for mask in (mask_in_box(grid(), box, 100, 90, 0.5), empty(box, 100, 90)):
        assert mask.bitmap.shape == (0, 0)
        assert mask.area == 0
        assert 0 <= mask.x < 100
        assert 0 <= mask.y < 90


def test_an_empty_mask_covers_its_box_and_says_so() -> None:
    """The mask of nothing has the box's bitmap, no pixel in it, and score 0."""
    mask = empty(Box(1, 2, 11, 22), 100, 90)
    assert mask.bitmap.shape == (20, 10)
    assert (mask.area, mask.score) == (0, 0.0)


def test_negative_logits_set_no_pixel() -> None:
    """A grid without a positive logit gives a mask without a pixel, a positive one a full mask."""
    box = Box(3, 3, 90, 80)
    assert mask_in_box(np.full((64, 64), -1, np.float32), box, 100, 90, 0.5).area == 0
    assert mask_in_box(np.full((64, 64), 1, np.float32), box, 100, 90, 0.5).area == 87 * 77


@pytest.mark.parametrize(("given", "stated"), [(-0.2, 0.0), (0.25, 0.25), (1.3, 1.0)])
def test_a_score_lies_between_0_and_1(given: float, stated: float) -> None:
    """What the network estimates outside 0..1 is clipped."""
    assert mask_in_box(grid(), Box(0, 0, 50, 50), 100, 90, given).score == stated


def test_a_cell_is_as_large_as_its_longer_side() -> None:
    """The size of a cell is stated in pixels of the photograph, in the direction in which it is coarser."""
    assert mask_in_box(grid(), Box(0, 0, 9, 9), 1920, 1080, 1).cell_pixels == 30.0
    assert mask_in_box(grid(), Box(0, 0, 9, 9), 100, 640, 1).cell_pixels == 10.0
