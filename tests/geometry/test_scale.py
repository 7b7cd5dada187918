"""Millimetres: from a constant, from a camera, and from markers seen at any angle."""

import numpy as np
import pytest

from anomaly.errors import InvalidRequest, MarkerNotFound
from anomaly.geometry.scale import Scale, physical, scale_of
from anomaly.types import Camera, Geometry, Image, Marker, Mask, Physical, ScaleRequest
from tests.geometry.surface import HEIGHT, WIDTH, Crack, Printed, camera, measured, photograph

BLANK = np.full((3000, 4000, 3), 128, np.uint8)
FULL_FRAME = Camera(sensor_width_mm=36.0, focal_length_mm=50.0, distance_mm=5000.0)


def line_of(length: int = 100, width: int = 4) -> tuple[Mask, Geometry]:
    """A horizontal crack and its geometry, without stated errors."""
    mask = Mask(np.ones((width, length), np.bool_), 50, 60, 0.9)
    return mask, Geometry(length * width, float(length), float(width), 0.0, width_p95_pixels=width + 1.0)


def in_mm(mask: Mask, geometry: Geometry, scale: Scale) -> Physical:
    """The measures, which there must be."""
    found = physical(geometry, mask, scale)
    assert found is not None
    return found


def test_a_constant_scales_lengths_widths_and_areas() -> None:
    """With a constant, millimetres are pixels times it, and areas its square."""
    scale = scale_of(ScaleRequest(mm_per_pixel=0.2), BLANK, {})

    found = in_mm(*line_of(), scale)

    assert found.length_mm == pytest.approx(20.0)
    assert found.width_mm == pytest.approx(0.8)
    assert found.width_p95_mm == pytest.approx(1.0)
    assert found.area_mm2 == pytest.approx(400 * 0.04)
    assert found.mm_per_pixel == pytest.approx(0.2)
    assert found.source == "Given: 0.2 mm per pixel, taken as exact."


def test_errors_of_pixels_and_scale_add_in_squares() -> None:
    """A width's relative error is that of its pixels and that of the scale, squared and added."""
    mask, _ = line_of()
    geometry = Geometry(400, 100.0, 4.0, 0.0, length_pixels_pm=1.0, width_pixels_pm=0.4)
    constant = in_mm(mask, geometry, scale_of(ScaleRequest(mm_per_pixel=0.2), BLANK, {}))
    stated = in_mm(mask, geometry, scale_of(ScaleRequest(camera=FULL_FRAME), BLANK, {}))

    assert constant.width_mm_pm == pytest.approx(0.1 * 0.8)
    assert constant.length_mm_pm == pytest.approx(0.01 * 20.0)
    scale_pm = np.hypot(0.02, np.hypot(0.02, 0.01))
    assert stated.width_mm is not None
    assert stated.width_mm_pm == pytest.approx(stated.width_mm * np.hypot(0.1, scale_pm))
    assert stated.area_mm2_pm == pytest.approx(
        stated.area_mm2 * np.sqrt(0.1**2 + 0.01**2 + (2 * scale_pm) ** 2)
    )


def test_the_area_has_the_error_of_the_mask_wherever_the_width_was_measured() -> None:
    """An area's error is its own: a width that the photograph gave does not make a mask's area exact."""
    mask, _ = line_of()
    geometry = Geometry(
        400, 100.0, 2.0, 0.0, width_pixels_pm=0.01, width_source="photo", area_pixels_pm=200.0
    )

    found = in_mm(mask, geometry, scale_of(ScaleRequest(mm_per_pixel=0.2), BLANK, {}))

    assert found.area_mm2 == pytest.approx(400 * 0.04)
    assert found.area_mm2_pm == pytest.approx(200 * 0.04)


def test_a_width_that_pixels_do_not_support_has_no_millimetres() -> None:
    """No width in pixels, none in millimetres; the length stays."""
    mask, _ = line_of()
    geometry = Geometry(400, 100.0, None, 0.0, width_reason="too narrow")

    found = in_mm(mask, geometry, scale_of(ScaleRequest(mm_per_pixel=0.2), BLANK, {}))

    assert (found.width_mm, found.width_mm_pm, found.width_p95_mm) == (None, None, None)
    assert found.length_mm == pytest.approx(20.0)


def test_an_empty_mask_has_no_size() -> None:
    """Nothing set, nothing measured."""
    nothing = Mask(np.zeros((5, 5), np.bool_), 0, 0, 0.9)

    scale = scale_of(ScaleRequest(mm_per_pixel=0.2), BLANK, {})

    assert physical(Geometry(0, 0.0, 0.0, 0.0), nothing, scale) is None


@pytest.mark.parametrize("shape", [(3000, 4000), (4000, 3000)])
def test_a_camera_gives_the_scale_upright_or_not(shape: tuple[int, int]) -> None:
    """mm/px = sensor x distance / (focal length x image), both along their longer side."""
    scale = scale_of(ScaleRequest(camera=FULL_FRAME), np.zeros((*shape, 3), np.uint8), {})

    assert scale.mm_per_pixel(100, 100, 30) == pytest.approx(36 * 5000 / (50 * 4000))
    assert "36 mm (request)" in scale.source


def test_exif_fills_in_what_the_request_leaves_out() -> None:
    """Focal length, pixel pitch and distance come from EXIF; what the request says counts more."""
    exif = {
        "FocalLength": 35.0,
        "FocalPlaneXResolution": 4000 / 2.35,  # pixels per centimetre on 23.5 mm
        "FocalPlaneResolutionUnit": 3.0,
        "PixelXDimension": 4000.0,
        "SubjectDistance": 2.5,
    }

    all_exif = scale_of(ScaleRequest(camera=Camera()), BLANK, exif)
    some = scale_of(ScaleRequest(camera=Camera(distance_mm=3000.0)), BLANK, exif)

    assert all_exif.mm_per_pixel(0, 0, 0) == pytest.approx(23.5 * 2500 / (35 * 4000))
    assert some.mm_per_pixel(0, 0, 0) == pytest.approx(23.5 * 3000 / (35 * 4000))
    assert some.relative_pm < 0.05 < all_exif.relative_pm
    assert "35 mm (EXIF)" in some.source
    assert "3000 mm (request)" in some.source


def test_the_equivalent_focal_length_stands_in_for_the_sensor() -> None:
    """A 4:3 sensor's width follows from the diagonal that "equivalent to 35 mm" compares."""
    exif = {"FocalLength": 4.25, "FocalLengthIn35mmFilm": 26.0}

    scale = scale_of(ScaleRequest(camera=Camera(distance_mm=1000.0)), BLANK, exif)

    diagonal = np.hypot(36, 24) * 4.25 / 26
    assert scale.mm_per_pixel(0, 0, 0) == pytest.approx(0.8 * diagonal * 1000 / (4.25 * 4000))


@pytest.mark.parametrize(
    "exif",
    [
        {},
        {"FocalLength": 0.0, "SubjectDistance": 0.0},
        {"FocalLength": 35.0, "FocalLengthIn35mmFilm": 0.0, "SubjectDistance": 4294967295.0},
        {"FocalLength": 35.0, "FocalPlaneXResolution": 72.0, "SubjectDistance": 2.0},
    ],
)
def test_what_nobody_states_is_named(exif: dict[str, float]) -> None:
    """EXIF's ways of saying "unknown" say nothing, and the error names what is missing."""
    with pytest.raises(InvalidRequest, match=r"camera\.sensor_width_mm.*not given.*EXIF"):
        scale_of(ScaleRequest(camera=Camera()), BLANK, exif)


@pytest.mark.parametrize(
    ("request_", "problem"),
    [
        (ScaleRequest(), "exactly one of mm_per_pixel, camera and marker; got none"),
        (ScaleRequest(mm_per_pixel=1.0, camera=FULL_FRAME), "got mm_per_pixel and camera"),
        (ScaleRequest(mm_per_pixel=0.0), "mm_per_pixel is 0.0"),
        (ScaleRequest(mm_per_pixel=float("nan")), "mm_per_pixel is nan"),
        (ScaleRequest(camera=Camera(36.0, -50.0, 100.0)), "camera.focal_length_mm is -50.0"),
        (
            ScaleRequest(marker=Marker("DICT_9X9", 50.0)),
            "marker.dictionary is 'DICT_9X9'; expected one of DICT",
        ),
        (ScaleRequest(marker=Marker("DICT_4X4_50", 0.0)), "marker.size_mm is 0.0"),
    ],
)
def test_a_request_out_of_range_says_what_is_wrong(request_: ScaleRequest, problem: str) -> None:
    """The message names the field, what was sent and what was expected."""
    with pytest.raises(InvalidRequest, match=problem):
        scale_of(request_, BLANK, {})


def test_a_photograph_without_the_marker_says_so() -> None:
    """No marker is the caller's to mend, with a code of its own."""
    with pytest.raises(MarkerNotFound, match="no marker of DICT_4X4_50 was found"):
        scale_of(ScaleRequest(marker=Marker("DICT_4X4_50", 50.0)), BLANK, {})


def test_a_dictionary_may_be_named_without_its_prefix() -> None:
    """4x4_50 is DICT_4X4_50."""
    rng = np.random.default_rng(1)
    image = photograph(camera(rng, 0), [Printed(3, 0, 0, 80)], rng)

    assert "DICT_4X4_50" in scale_of(ScaleRequest(marker=Marker("4x4_50", 80.0)), image, {}).source


CRACKS = (
    Crack((-150, -60), (-60, 110), 4.0),
    Crack((60, -90), (170, -20), 5.0),
    Crack((-120, 130), (130, 120), 6.0),
)


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


def two_walls(rng: np.random.Generator) -> tuple[Image, np.ndarray, np.ndarray]:
    """A marker on each of two surfaces that do not lie in one plane, one twice as far as the other."""
    near, far = camera(rng, 25, 700.0), camera(rng, 30, 1400.0)
    shift = np.array([[1, 0, -220], [0, 1, 0], [0, 0, 1]], float)
    back = np.array([[1, 0, 260], [0, 1, 0], [0, 0, 1]], float)
    near, far = shift @ near, back @ far
    image = photograph(near, [Printed(1, 0, 0, 90)], rng)
    return photograph(far, [Printed(2, 0, 0, 90)], rng, onto=image), near, far


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


def test_a_patch_without_a_centre_line_is_measured_along_its_axis() -> None:
    """A blob's length follows the scale along its orientation."""
    mask = Mask(np.ones((40, 60), np.bool_), 10, 10, 0.9)
    geometry = Geometry(2400, 60.0, 40.0, 0.0, kind="blob", branches=0)

    found = in_mm(mask, geometry, scale_of(ScaleRequest(mm_per_pixel=0.5), BLANK, {}))

    assert (found.length_mm, found.width_mm, found.area_mm2) == pytest.approx((30.0, 20.0, 600.0))
