"""What a file says of its camera, and silence where it says nothing usable."""

import io

import pytest
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from anomaly.imaging.exif import read_exif

FULL = {
    "SubjectDistance": 2.5,
    "FocalLength": 35.0,
    "PixelXDimension": 4000.0,
    "PixelYDimension": 3000.0,
    "FocalPlaneXResolution": 1702.0,
    "FocalPlaneResolutionUnit": 3.0,
    "FocalLengthIn35mmFilm": 52.0,
}
TAGS = {
    0x9206: IFDRational(5, 2),
    0x920A: IFDRational(35, 1),
    0xA002: 4000,
    0xA003: 3000,
    0xA20E: IFDRational(1702, 1),
    0xA210: 3,
    0xA405: 52,
}


def picture(kind: str, tags: dict[int, object]) -> bytes:
    """A small file with these tags in its Exif directory."""
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    exif.get_ifd(0x8769).update(tags)
    out = io.BytesIO()
    Image.new("RGB", (8, 6)).save(out, kind, exif=exif.tobytes())
    return out.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_the_cameras_data_are_read(kind: str) -> None:
    """Every kind of file that carries EXIF gives it, as numbers by their Exif names."""
    assert read_exif(picture(kind, TAGS)) == FULL


def test_what_is_not_stated_is_absent() -> None:
    """Only what the file says is there."""
    assert read_exif(picture("JPEG", {0x920A: IFDRational(24, 1)})) == {"FocalLength": 24.0}
    assert read_exif(picture("JPEG", {})) == {}


def test_a_fraction_by_zero_is_not_stated() -> None:
    """Some cameras write 0/0 for what they do not know."""
    assert read_exif(picture("JPEG", {0x9206: IFDRational(0, 0), 0xA405: 28})) == {
        "FocalLengthIn35mmFilm": 28.0
    }


@pytest.mark.parametrize("data", [b"", b"no picture", b"\xff\xd8\xff\xe1\x00\x10Exif\x00\x00garbage"])
def test_broken_files_say_nothing(data: bytes) -> None:
    """It is never worth an error."""
    assert read_exif(data) == {}


def test_a_broken_directory_says_nothing() -> None:
    """A file cut within its EXIF is read as one without."""
    whole = picture("JPEG", TAGS)

    for cut in range(20, 200, 20):
        assert set(read_exif(whole[:cut])) <= set(FULL)
