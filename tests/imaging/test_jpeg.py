import pytest
from PIL import Image as Pillow

from anomaly.imaging.jpeg import is_jpeg, read_head
from tests.pictures import encoded, gradient

PLAIN = encoded(gradient(64, 48), "JPEG")


def exif() -> Pillow.Exif:
    """Return notes that turn the picture."""
    notes = Pillow.Exif()
    notes[0x0112] = 6
    return notes


def test_a_plain_photograph_has_no_notes() -> None:
    """A JPEG without Exif and XMP is told by its segments, and one with either is too."""
    assert is_jpeg(PLAIN)
    assert not read_head(PLAIN).notes
    assert read_head(encoded(gradient(64, 48), "JPEG", exif=exif())).notes
    assert read_head(encoded(gradient(64, 48), "JPEG", xmp=b"<x:xmpmeta/>")).notes


def test_notes_behind_other_segments_are_found() -> None:
    """Exif that stands behind a colour profile, which may hold any bytes, is still found."""
    profile = b"\xff\xda\xff\xe1" * 1000
    assert not read_head(encoded(gradient(64, 48), "JPEG", icc_profile=profile)).notes
    assert read_head(encoded(gradient(64, 48), "JPEG", icc_profile=profile, exif=exif())).notes


@pytest.mark.parametrize(
    "data", [b"", PLAIN[:2], PLAIN[:15], PLAIN[:2] + b"\x00" + PLAIN[3:], b"\xff\xd8\xff\xff"]
)
def test_of_a_broken_head_nothing_is_believed(data: bytes) -> None:
    """A head that breaks off, or is not made of segments, may hold anything."""
    assert read_head(data).notes


def test_no_length_stops_it() -> None:
    """Segments that claim no length at all still come to an end."""
    assert read_head(b"\xff\xd8" + b"\xff\xe0\x00\x00" * 1000).notes


@pytest.mark.parametrize(
    ("data", "pixels"),
    [
        (PLAIN, 64 * 48),
        (encoded(gradient(64, 48), "JPEG", exif=exif()), 64 * 48),
        (encoded(gradient(64, 48), "JPEG", progressive=True), None),
        (encoded(gradient(64, 48), "PNG"), None),
        (PLAIN[:15], None),
    ],
)
def test_a_baseline_jpeg_tells_its_pixels(data: bytes, pixels: int | None) -> None:
    """The number of pixels stands in the head of a baseline JPEG; other files may cost more than that."""
    assert read_head(data).baseline_pixels == pixels
