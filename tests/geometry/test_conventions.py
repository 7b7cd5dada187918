"""What every caller may rely on, whatever the method: finite numbers, exact areas, frames, offsets."""

import dataclasses
import math

import cv2
import numpy as np
import pytest

from anomaly.geometry import measure, measure_mask
from anomaly.types import Bitmap, Mask


def bar(length: float, width: float, degrees: float, side: int = 300) -> Bitmap:
    """Return a straight bar in the middle of a square, by its pixels' centres."""
    y, x = np.mgrid[0:side, 0:side] - (side - 1) / 2
    turn = math.radians(degrees)
    along = x * math.cos(turn) - y * math.sin(turn)  # counter-clockwise on the screen: y runs downwards
    across = x * math.sin(turn) + y * math.cos(turn)
    return np.asarray((np.abs(along) <= length / 2) & (np.abs(across) <= width / 2))


def checkerboard(side: int) -> Bitmap:
    """Return a board whose every other pixel is set."""
    y, x = np.mgrid[0:side, 0:side]
    return np.asarray((x + y) % 2 == 0)


ODD = {
    "empty": np.zeros((20, 30), np.bool_),
    "no-pixels": np.zeros((0, 0), np.bool_),
    "no-columns": np.zeros((5, 0), np.bool_),
    "full": np.ones((40, 60), np.bool_),
    "one-pixel": np.ones((1, 1), np.bool_),
    "checkerboard": checkerboard(40),
    "one-row": np.ones((1, 80), np.bool_),
    "one-column": np.ones((80, 1), np.bool_),
    "two-pixels": np.array([[True, False], [False, True]]),
    "ring": cv2.circle(np.zeros((90, 90), np.uint8), (45, 45), 30, 1, 3) > 0,
    "cross": bar(200, 5, 20) | bar(200, 5, 110),
    "specks": np.random.default_rng(0).random((120, 160)) < 0.1,
    "not-contiguous": np.ones((50, 60), np.bool_)[::2, ::3],
}


@pytest.mark.parametrize("mask", ODD.values(), ids=ODD.keys())
def test_no_mask_is_too_odd(mask: Bitmap) -> None:
    """Every mask is measured without an exception, in finite numbers that are not negative, with its exact area."""
    before = mask.copy()
    geometry = measure(mask)
    for field in dataclasses.fields(geometry):
        value = getattr(geometry, field.name)
        if isinstance(value, int | float):
            assert math.isfinite(value), field.name
            assert value >= 0, field.name
    assert geometry.area_pixels == int(mask.sum())
    assert 0 <= geometry.orientation_degrees < 180
    np.testing.assert_array_equal(mask, before)


@pytest.mark.parametrize("degrees", [0, 17, 45, 90, 133, 179])
@pytest.mark.parametrize("width", [1.5, 4, 11])
def test_a_bar_is_as_long_wide_and_turned_as_it_was_drawn(degrees: float, width: float) -> None:
    """Length, width and orientation of a straight bar come out, counter-clockwise as seen on the screen."""
    mask = bar(180, width, degrees)
    geometry = measure(mask)
    assert geometry.length_pixels == pytest.approx(180, rel=0.03)
    assert geometry.width_pixels == pytest.approx(mask.sum() / 180, abs=0.3)
    turned = (geometry.orientation_degrees - degrees + 90) % 180 - 90
    assert abs(turned) < 1


def test_a_mask_is_measured_where_it_lies() -> None:
    """A box-local mask gives the measures of the same pixels in the whole frame, its centre line in frame pixels."""
    whole = np.zeros((400, 500), np.bool_)
    whole[100:400, 150:450] = bar(180, 6, 30)
    local = measure_mask(Mask(whole[100:400, 150:450], 150, 100, 0.9), 500, 400)
    direct = measure(whole)
    assert local.length_pixels == pytest.approx(direct.length_pixels, rel=1e-3)
    assert local.width_pixels == pytest.approx(direct.width_pixels, rel=1e-3)
    for one, other in zip(local.centre_lines, direct.centre_lines, strict=True):
        np.testing.assert_allclose(one, other, atol=0.5)


def test_two_parts_add_up() -> None:
    """A crack in two parts is as long as both together."""
    mask = np.zeros((60, 400), np.bool_)
    mask[28:32, 20:180] = True
    mask[28:32, 220:380] = True
    assert measure(mask).length_pixels == pytest.approx(320, rel=0.03)


def test_sparse_noise_of_many_megapixels_is_finite() -> None:
    """Specks all over a large photograph, which smoothing leaves nothing of, are measured as what they are."""
    mask = np.random.default_rng(0).random((2000, 3000)) < 0.02
    found = measure(mask)
    assert found.kind == "blob"
    assert found.area_pixels == np.count_nonzero(mask)
    assert found.length_pixels == pytest.approx(3000, rel=0.02)
