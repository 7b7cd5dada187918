"""Masks come back as the very pixels that were sent."""

import numpy as np
import pytest

from anomaly.client.masks import mask_of
from anomaly.imaging import masks
from anomaly.types import Mask, MaskFormat

WIDTH, HEIGHT = 70, 50


def whole(mask: Mask | None) -> np.ndarray:
    """Return a mask in its photograph."""
    frame = np.zeros((HEIGHT, WIDTH), bool)
    if mask is not None:
        rows, columns = mask.bitmap.shape
        frame[mask.y : mask.y + rows, mask.x : mask.x + columns] = mask.bitmap
    return frame


def drawn(seed: int) -> Mask:
    """Return blobs with holes, some at the photograph's edges."""
    dice = np.random.default_rng(seed)
    bitmap = np.zeros((HEIGHT, WIDTH), bool)
    for _ in range(6):
        x, y, w, h = dice.integers(0, (60, 40, 30, 30))
        bitmap[y : y + h + 1, x : x + w + 1] ^= True
    left, top = dice.integers(0, 8, 2)
    return Mask(np.ascontiguousarray(bitmap[top:, left:]), int(left), int(top), 0.5)


@pytest.mark.parametrize("form", list(MaskFormat))
@pytest.mark.parametrize("seed", range(20))
def test_a_mask_is_read_as_it_was_written(form: MaskFormat, seed: int) -> None:
    """Each form, read back, sets the same pixels of the photograph, and no more than its own part of it."""
    mask = drawn(seed)
    read = mask_of(masks.encode(mask, form, WIDTH, HEIGHT), 0.5)
    np.testing.assert_array_equal(whole(read), whole(mask))
    assert read is not None
    assert read.area == mask.area
    assert read.score == 0.5


@pytest.mark.parametrize("form", list(MaskFormat))
@pytest.mark.parametrize("value", [False, True])
def test_the_empty_and_the_full_mask(form: MaskFormat, value: bool) -> None:
    """No pixel and every pixel are masks too."""
    mask = Mask(np.full((HEIGHT, WIDTH), value), 0, 0, 1.0)
    read = mask_of(masks.encode(mask, form, WIDTH, HEIGHT), 1.0)
    np.testing.assert_array_equal(whole(read), whole(mask))


def test_what_is_no_mask_is_refused() -> None:
    """A form that is unknown is not read as an empty mask."""
    with pytest.raises(ValueError, match="run lengths, polygons or a PNG"):
        mask_of({"rle": "abc"}, 1.0)
