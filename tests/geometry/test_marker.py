"""Millimetres from markers seen at any angle."""

import numpy as np
import pytest

from anomaly.errors import MarkerNotFound
from anomaly.geometry.scale import physical, scale_of
from anomaly.types import Geometry, Image, Marker, Mask, ScaleRequest
from tests.geometry.surface import HEIGHT, WIDTH, Crack, Printed, camera, in_mm, measured, photograph

BLANK = np.full((3000, 4000, 3), 128, np.uint8)

CRACKS = (
    Crack((-150, -60), (-60, 110), 4.0),
    Crack((60, -90), (170, -20), 5.0),
    Crack((-120, 130), (130, 120), 6.0),
)


def two_walls(rng: np.random.Generator) -> tuple[Image, np.ndarray, np.ndarray]:
    """A marker on each of two surfaces that do not lie in one plane, one twice as far as the other."""
    near, far = camera(rng, 25, 700.0), camera(rng, 30, 1400.0)
    shift = np.array([[1, 0, -220], [0, 1, 0], [0, 0, 1]], float)
    back = np.array([[1, 0, 260], [0, 1, 0], [0, 0, 1]], float)
    near, far = shift @ near, back @ far
    image = photograph(near, [Printed(1, 0, 0, 90)], rng)
    return photograph(far, [Printed(2, 0, 0, 90)], rng, onto=image), near, far


def test_a_photograph_without_the_marker_says_so() -> None:
    """No marker is the caller's to mend, with a code of its own."""
    with pytest.raises(MarkerNotFound, match="no marker of DICT_4X4_50 was found"):
        scale_of(ScaleRequest(marker=Marker("DICT_4X4_50", 50.0)), BLANK, {})


def test_a_dictionary_may_be_named_without_its_prefix() -> None:
    """4x4_50 is DICT_4X4_50."""
    rng = np.random.default_rng(1)
    image = photograph(camera(rng, 0), [Printed(3, 0, 0, 80)], rng)

    assert "DICT_4X4_50" in scale_of(ScaleRequest(marker=Marker("4x4_50", 80.0)), image, {}).source


def test_markers_give_true_lengths_and_widths_at_any_angle() -> None:
    """Up to 45 degrees off, lengths are true within 1 % and widths within 2 % on average, one marker or four."""
    length_errors: dict[int, list[float]] = {1: [], 4: []}
    width_errors: dict[int, list[float]] = {1: [], 4: []}
    for seed in range(5):
        for corners in (1, 4):
            rng = np.random.default_rng([seed, corners])
            view = camera(rng, rng.uniform(0, 45))
            places = [(0.0, 0.0)] if corners == 1 else [(-95, -75), (95, -75), (95, 75), (-95, 75)]
            markers = [Printed(number, x, y, 70.0, rng.uniform(0, 6)) for number, (x, y) in enumerate(places)]
            scale = scale_of(
                ScaleRequest(marker=Marker("DICT_4X4_50", 70.0)), photograph(view, markers, rng), {}
            )
            assert len(scale.planes) == 1
            for crack in CRACKS:
                mask, geometry = measured(view, crack)
                found = in_mm(mask, geometry, scale)
                assert found.width_mm is not None
                length_errors[corners].append(found.length_mm / crack.length_mm - 1)
                width_errors[corners].append(found.width_mm / crack.width_mm - 1)
                assert abs(found.length_mm - crack.length_mm) < 3 * found.length_mm_pm

    assert np.abs(length_errors[1]).max() < 0.02
    assert np.abs(length_errors[1]).mean() < 0.005
    assert np.abs(length_errors[4]).max() < 0.003
    assert np.abs(width_errors[1]).mean() < 0.02
    assert np.abs(width_errors[4]).mean() < 0.02


def test_an_oblique_view_has_another_scale_in_each_direction() -> None:
    """Seen at 50 degrees, a pixel across the tilt measures more than one along it."""
    rng = np.random.default_rng(5)
    image = photograph(camera(rng, 50), [Printed(3, 0, 0, 80)], rng)
    scale = scale_of(ScaleRequest(marker=Marker("DICT_4X4_50", 80.0)), image, {})

    scales = [scale.mm_per_pixel(WIDTH / 2, HEIGHT / 2, degrees) for degrees in range(0, 180, 5)]

    assert max(scales) / min(scales) == pytest.approx(1 / np.cos(np.radians(50)), rel=0.1)


def test_the_scale_is_less_certain_far_from_the_marker() -> None:
    """What the corners' errors do to a length grows with the distance, and is stated."""
    rng = np.random.default_rng(6)
    view = camera(rng, 30)
    image = photograph(view, [Printed(3, -150, 0, 60)], rng)
    scale = scale_of(ScaleRequest(marker=Marker("DICT_4X4_50", 60.0)), image, {})

    near, far = (in_mm(*measured(view, Crack((x, -40), (x, 40), 4.0)), scale) for x in (-100.0, 170.0))

    assert far.length_mm_pm / far.length_mm > 1.5 * near.length_mm_pm / near.length_mm


def test_markers_on_two_walls_each_serve_their_own() -> None:
    """Where the markers share no plane, the nearest one's counts."""
    rng = np.random.default_rng(7)
    image, near, far = two_walls(rng)

    scale = scale_of(ScaleRequest(marker=Marker("DICT_4X4_50", 90.0)), image, {})

    assert len(scale.planes) == 2
    assert "the nearest one's plane" in scale.source
    for view in (near, far):
        found = in_mm(*measured(view, Crack((-60, 70), (60, 75), 6.0)), scale)
        assert found.length_mm == pytest.approx(np.hypot(120, 5), rel=0.02)


def test_what_lies_beyond_the_horizon_has_no_size() -> None:
    """A mask that the marker's surface cannot hold is not measured on it."""
    rng = np.random.default_rng(8)
    image = photograph(camera(rng, 30), [Printed(3, 0, 0, 80)], rng)
    scale = scale_of(ScaleRequest(marker=Marker("DICT_4X4_50", 80.0)), image, {})
    row = scale.planes[0].to_mm[2]
    away = -row[:2] / np.hypot(*row[:2])  # towards the horizon
    distance = 1.5 / np.hypot(*row[:2])
    x, y = (round(float(value)) for value in np.array([WIDTH / 2, HEIGHT / 2]) + distance * away)
    mask = Mask(np.ones((4, 50), np.bool_), x, y, 0.9)

    assert physical(Geometry(200, 50.0, 4.0, 0.0), mask, scale) is None
