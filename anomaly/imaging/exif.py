"""What a photograph's file says of the camera that took it."""

import io
from math import isfinite

from PIL import Image as Pillow

from anomaly.imaging.decode import FORMATS

# Tags of the Exif sub-directory (CIPA DC-008).
_DIRECTORY = 0x8769
_TAGS = {
    0x9206: "SubjectDistance",  # metres
    0x920A: "FocalLength",  # millimetres
    0xA002: "PixelXDimension",
    0xA003: "PixelYDimension",
    0xA20E: "FocalPlaneXResolution",  # pixels per unit
    0xA210: "FocalPlaneResolutionUnit",
    0xA405: "FocalLengthIn35mmFilm",  # millimetres; whole
}


def read_exif(data: bytes) -> dict[str, float]:
    """Return the camera's data in a picture file, by Exif's names and in Exif's units.

    Only what is a finite number is there. Empty for a file that has none, or whose EXIF is broken:
    it is worth having, and never worth an error. Pixels are not decoded.
    """
    try:
        with Pillow.open(io.BytesIO(data), formats=FORMATS) as picture:
            directory = _exif(picture).get_ifd(_DIRECTORY)
    except Exception:  # broken EXIF makes Pillow raise almost anything
        return {}
    values = {name: _number(directory.get(tag)) for tag, name in _TAGS.items()}
    return {name: value for name, value in values.items() if value is not None}


def _exif(picture: Pillow.Image) -> Pillow.Exif:
    """Return the EXIF without decoding: of a PNG that has none, Pillow would decode it all to look."""
    raw = picture.info.get("exif")
    if raw is None and picture.format in ("TIFF", "JPEG", "MPO"):
        return picture.getexif()
    exif = Pillow.Exif()
    exif.load(raw or b"")
    return exif


def _number(value: object) -> float | None:
    try:
        number = float(value)  # type: ignore[arg-type]  # a rational, an int, or whatever stood there
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return number if isfinite(number) else None
