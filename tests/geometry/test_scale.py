"""Millimetres from a constant and from a camera."""

import numpy as np
import pytest

from anomaly.errors import InvalidRequest
from anomaly.geometry.scale import physical, scale_of
from anomaly.types import Camera, Geometry, Marker, Mask, ScaleRequest
from tests.geometry.surface import in_mm

BLANK = np.full((3000, 4000, 3), 128, np.uint8)
FULL_FRAME = Camera(sensor_width_mm=36.0, focal_length_mm=50.0, distance_mm=5000.0)


def line_of(length: int = 100, width: int = 4) -> tuple[Mask, Geometry]:
    """A horizontal crack and its geometry, without stated errors."""
    mask = Mask(np.ones((width, length), np.bool_), 50, 60, 0.9)
    return mask, Geometry(length * width, float(length), float(width), 0.0, width_p95_pixels=width + 1.0)


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


def test_a_patch_without_a_centre_line_is_measured_along_its_axis() -> None:
    """A blob's length follows the scale along its orientation."""
    mask = Mask(np.ones((40, 60), np.bool_), 10, 10, 0.9)
    geometry = Geometry(2400, 60.0, 40.0, 0.0, kind="blob", branches=0)

    found = in_mm(mask, geometry, scale_of(ScaleRequest(mm_per_pixel=0.5), BLANK, {}))

    assert (found.length_mm, found.width_mm, found.area_mm2) == pytest.approx((30.0, 20.0, 600.0))
