from dataclasses import replace

import numpy as np
import pytest

from anomaly.geometry import measure_mask
from anomaly.geometry.edge import refine
from anomaly.types import Box, Geometry, Image, Mask
from benchmarks.edges import SIDE, Crack, anything, draw


def on_mask(mask: Mask) -> Geometry:
    """Measure a mask of a generated photograph."""
    return measure_mask(mask, SIDE, SIDE)


def refined(crack: Crack, seed: int = 0) -> Geometry:
    """Draw a crack, and measure it on its mask and then on its photograph."""
    image, mask = draw(crack, seed)
    return refine(image, mask, on_mask(mask))


@pytest.mark.parametrize("degrees", [0, 37, 90])
@pytest.mark.parametrize("width", [3.0, 4.0, 7.0, 12.0, 15.0])
def test_a_known_width_is_found_under_a_broad_mask(width: float, degrees: float) -> None:
    """The mask is six pixels too broad, and the width comes out within 5 % or half a pixel."""
    found = refined(Crack(width=width, blur=0.7, degrees=degrees, broader=3))
    assert found.width_source == "photo"
    assert found.width_pixels == pytest.approx(width, rel=0.05, abs=0.5)


def test_any_crack_is_within_a_tenth_or_half_a_pixel() -> None:
    """The median over widths, blurs, noises, contrasts, curves, masks and JPEG, and nine in ten of them."""
    rng = np.random.default_rng(11)
    errors = []
    for seed in range(40):
        crack = anything(rng)
        found = refined(crack, seed)
        assert found.width_pixels is not None
        errors.append(abs(found.width_pixels - crack.width) / max(0.5, 0.1 * crack.width))
    assert np.median(errors) < 0.5
    assert np.mean(np.array(errors) < 1) > 0.85


def test_the_uncertainty_covers_the_error() -> None:
    """About two in three cracks lie within one standard deviation, and nearly all within two."""
    rng = np.random.default_rng(12)
    pulls = []
    for seed in range(40):
        crack = anything(rng)
        found = refined(crack, seed)
        assert found.width_pixels is not None
        assert found.width_pixels_pm is not None
        pulls.append(abs(found.width_pixels - crack.width) / found.width_pixels_pm)
    assert 0.5 < np.mean(np.array(pulls) < 1) < 0.9
    assert np.mean(np.array(pulls) < 2) > 0.85


def test_a_blur_wider_than_the_crack_is_told_as_doubt() -> None:
    """What depth and blur leave open is in the uncertainty."""
    sharp, blurred = (refined(Crack(width=2.5, blur=blur)) for blur in (0.5, 2.0))
    assert sharp.width_pixels_pm is not None
    assert blurred.width_pixels_pm is not None
    assert sharp.width_pixels_pm < 0.15 < 0.25 < blurred.width_pixels_pm


def test_a_curve_is_followed() -> None:
    """An arc of 80 pixels radius is as wide as a straight crack."""
    assert refined(Crack(width=6, radius=80)).width_pixels == pytest.approx(6, abs=0.25)


def test_the_widest_place_is_found() -> None:
    """A crack that swells by 30 % has a 95th percentile and a maximum near its widest."""
    found = refined(Crack(width=8, waver=0.3, noise=2))
    assert found.width_pixels == pytest.approx(8, abs=0.3)
    assert found.width_p95_pixels == pytest.approx(10.3, abs=0.5)
    assert found.width_max_pixels == pytest.approx(10.4, abs=0.6)


def test_what_is_not_width_stays() -> None:
    """Area, length, orientation and centre lines are the mask's, and so is nothing of the input changed."""
    image, mask = draw(Crack(), 0)
    before = on_mask(mask)
    pixels = image.copy()
    after = refine(image, mask, before)
    assert (after.area_pixels, after.length_pixels) == (before.area_pixels, before.length_pixels)
    assert after.orientation_degrees == before.orientation_degrees
    assert after.centre_lines is before.centre_lines
    assert np.array_equal(image, pixels)


def test_a_width_that_the_mask_could_not_tell_is_told() -> None:
    """A null with its reason gives way to what the photograph shows."""
    image, mask = draw(Crack(), 0)
    unknown = replace(on_mask(mask), width_pixels=None, width_reason="too coarse")
    found = refine(image, mask, unknown)
    assert found.width_pixels == pytest.approx(4, abs=0.2)
    assert found.width_reason is None


def test_one_pixel_of_ground_beside_another_crack_is_not_taken() -> None:
    """Where a second crack of the same mask runs beside the first, the mask's widths stay."""
    image, mask = draw(Crack(degrees=0, width=4), 0)
    shifted = np.minimum(image, np.roll(image, 9, axis=0))
    both = np.zeros((SIDE, SIDE), bool)
    height, width = mask.bitmap.shape
    for y in (mask.y, mask.y + 9):
        both[y : y + height, mask.x : mask.x + width] |= mask.bitmap
    double = Mask(both, 0, 0, 0.9)
    before = on_mask(double)
    assert before.width_pixels is not None
    assert refine(shifted, double, before) is before


@pytest.mark.parametrize(
    "change",
    [
        lambda image: np.full_like(image, 128),
        lambda image: (128 + (image.astype(int) - 128) // 20).astype(np.uint8),
        lambda image: 255 - image,
        lambda image: np.zeros_like(image),
    ],
    ids=["blank", "no contrast", "bright on dark", "black"],
)
def test_a_photograph_without_a_dark_line_changes_nothing(change) -> None:  # type: ignore[no-untyped-def]
    """Blank, faint, inverted and black photographs leave the mask's widths."""
    image, mask = draw(Crack(), 0)
    before = on_mask(mask)
    assert refine(change(image), mask, before) is before


def test_a_blob_is_left_alone() -> None:
    """What is not a line has no edge across its centre line."""
    box = Box(50.0, 50.0, 90.0, 80.0)
    mask = Mask(np.ones((30, 40), bool), int(box.x_min), int(box.y_min), 0.9)
    before = on_mask(mask)
    assert before.kind == "blob"
    assert refine(np.zeros((SIDE, SIDE, 3), np.uint8), mask, before) is before


def test_a_line_wider_than_its_ground_is_left_alone() -> None:
    """From 40 pixels of width on the mask's edge is good enough."""
    mask = Mask(np.ones((250, 42), bool), 3, 3, 0.9)
    image: Image = np.full((SIDE, SIDE, 3), 90, np.uint8)
    before = replace(on_mask(mask), kind="line")
    assert refine(image, mask, before) is before


@pytest.mark.parametrize("length", [1, 3, 12])
def test_a_speck_of_a_line_is_left_alone(length: int) -> None:
    """A few pixels give too few profiles."""
    mask = Mask(np.ones((1, length), bool), 20, 20, 0.9)
    image, _ = draw(Crack(), 0)
    before = replace(on_mask(mask), kind="line")
    assert refine(image, mask, before) is before


def test_a_line_along_the_edge_of_the_photograph_is_left_alone() -> None:
    """Without ground on both sides there is no profile."""
    mask = Mask(np.ones((5, SIDE), bool), 0, 0, 0.9)
    image, _ = draw(Crack(), 0)
    before = on_mask(mask)
    assert refine(image, mask, before) is before


def test_the_area_of_a_mask_too_broad_says_so() -> None:
    """Where the photograph shows a narrower crack than the mask, the area's deviation covers the difference."""
    found = refined(Crack(width=4.0, broader=3.0))
    assert found.width_pixels is not None
    assert found.area_pixels_pm is not None
    true_area = found.length_pixels * found.width_pixels
    assert found.area_pixels - found.area_pixels_pm <= true_area < 0.6 * found.area_pixels
