"""The scale that a camera's data gives: sensor width x distance / (focal length x image width)."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import hypot, isfinite, sqrt

from anomaly.errors import InvalidRequest
from anomaly.types import Camera

# Relative standard deviations of what is stated rather than measured, ours; the millimetres carry them.
_SENSOR_PM = 0.01  # data sheets round to tenths of a millimetre, and cameras crop a few pixels
_FOCAL_PM = 0.02  # a lens's name is round, and focusing close changes what it stands for
_DISTANCE_PM = 0.02  # a tape or a laser from somewhere on the camera to somewhere on the surface
_EXIF_SENSOR_PM = 0.02  # the focal plane's resolution is rounded, and often that of another readout
_EXIF_DISTANCE_PM = 0.1  # what the autofocus believes
_EQUIVALENT_PM = 0.02  # besides that the equivalent focal length is a whole number

_DIAGONAL_35MM = hypot(36.0, 24.0)  # CIPA DC-008 (Exif): "35 mm" compares diagonals

_EXIF = "EXIF"

# Exif FocalPlaneResolutionUnit (CIPA DC-008); 1, "none", is written for inches in practice.
_UNIT_MM = {1: 25.4, 2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a pixel measures at the camera's distance, with the sentence that says why."""

    mm_per_pixel: float
    relative_pm: float
    source: str


@dataclass(frozen=True, slots=True)
class _Known:
    value: float
    relative_pm: float
    origin: str
    is_ratio: bool = False  # to the EXIF's focal length, which then adds no error of its own

    def __str__(self) -> str:
        return f"{self.value:.4g} mm ({self.origin})"


def resolve(camera: Camera, exif: Mapping[str, float], width: int, height: int) -> Resolved:
    """Return the scale of a photograph of `width` x `height` pixels.

    EXIF (`anomaly.imaging.exif`) fills in what the request leaves out. The sensor's width is that of its
    longer side, and so is the image's. The surface is taken to face the camera. Raises
    `InvalidRequest` naming what nobody states, or what is no positive number.
    """
    sensor = _stated(camera.sensor_width_mm, "sensor_width_mm", _SENSOR_PM) or _sensor(exif, width, height)
    focal = _stated(camera.focal_length_mm, "focal_length_mm", _FOCAL_PM) or _exif(
        exif, "FocalLength", 1.0, _FOCAL_PM
    )
    distance = _stated(camera.distance_mm, "distance_mm", _DISTANCE_PM) or _exif(
        exif, "SubjectDistance", 1000.0, _EXIF_DISTANCE_PM
    )
    if sensor is None or focal is None or distance is None:
        named = {"sensor_width_mm": sensor, "focal_length_mm": focal, "distance_mm": distance}
        missing = [f"camera.{name}" for name, known in named.items() if known is None]
        raise InvalidRequest(
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not given, and the photo's EXIF does not"
            " say; send what is missing, or mm_per_pixel, or a marker."
        )
    focal_counts = not (sensor.is_ratio and focal.origin == _EXIF)
    counts = (sensor, focal, distance) if focal_counts else (sensor, distance)
    return Resolved(
        sensor.value * distance.value / (focal.value * max(width, height)),
        sqrt(sum(each.relative_pm**2 for each in counts)),
        f"From the camera: sensor {sensor}, focal length {focal}, distance {distance};"
        " the surface is taken to face it.",
    )


def _stated(value: float | None, name: str, relative_pm: float) -> _Known | None:
    if value is None:
        return None
    if not (isfinite(value) and value > 0):
        raise InvalidRequest(f"camera.{name} is {value}; a length in mm above 0 is expected.")
    return _Known(value, relative_pm, "request")


def _exif(exif: Mapping[str, float], name: str, to_mm: float, relative_pm: float) -> _Known | None:
    value = _positive(exif, name)
    return None if value is None else _Known(value * to_mm, relative_pm, _EXIF)


def _sensor(exif: Mapping[str, float], width: int, height: int) -> _Known | None:
    """Return the sensor's longer side: from the pixels' pitch, else from the equivalent focal length."""
    pitch = _positive(exif, "FocalPlaneXResolution")
    unit = _UNIT_MM.get(int(exif.get("FocalPlaneResolutionUnit", 2)))
    if pitch is not None and unit is not None:
        pixels = max(
            _positive(exif, "PixelXDimension") or 0, _positive(exif, "PixelYDimension") or 0, width, height
        )
        side_mm = pixels / pitch * unit
        if 2.0 <= side_mm <= 100.0:  # some cameras state the screen's resolution here
            return _Known(side_mm, _EXIF_SENSOR_PM, "EXIF, focal plane resolution")
    focal, equivalent = _positive(exif, "FocalLength"), _positive(exif, "FocalLengthIn35mmFilm")
    if focal is None or equivalent is None:
        return None
    diagonal_mm = _DIAGONAL_35MM * focal / equivalent
    rounding = 0.5 / sqrt(3.0) / equivalent
    return _Known(
        diagonal_mm * max(width, height) / hypot(width, height),
        hypot(_EQUIVALENT_PM, rounding),
        "EXIF, focal length equivalent to 35 mm",
        is_ratio=True,
    )


def _positive(exif: Mapping[str, float], name: str) -> float | None:
    """Return a value that says something: EXIF writes 0 for unknown, and infinity as a very large number."""
    value = exif.get(name)
    return value if value is not None and isfinite(value) and 0 < value < 4e9 else None
