"""Photographs on their way out."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from anomaly.client import PhotoTooLarge, PhotoUnreadable
from anomaly.client.photographs import Parcel, key_of, name_of, read, smaller
from tests.pictures import base64_of, encoded, gradient


def noise(width: int, height: int) -> np.ndarray:
    """Return a picture that hardly compresses."""
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)


def test_a_smaller_photo_has_as_many_pixels_and_its_exif() -> None:
    """What is measured in pixels stays right, and the camera stays known."""
    exif = Pillow.Exif()
    exif[0x0112] = 6
    large = encoded(noise(300, 200), "JPEG", quality=100, exif=exif.tobytes())
    small = smaller(large, len(large) // 2)
    assert len(small) <= len(large) // 2
    with Pillow.open(io.BytesIO(small)) as picture:
        assert picture.size == (300, 200)
        assert picture.getexif()[0x0112] == 6


def test_it_is_made_no_smaller_than_needed() -> None:
    """The best quality that fits is taken."""
    photo = encoded(noise(300, 200), "PNG")
    most = len(smaller(photo, 10**9))
    assert len(smaller(photo, most - 1)) < most
    assert len(smaller(photo, most)) == most


def test_what_cannot_be_made_small_enough_is_said_so() -> None:
    """Neither fewer pixels nor a picture of mud: the caller is told what to do."""
    with pytest.raises(PhotoTooLarge, match="quality 75"):
        smaller(encoded(noise(300, 200), "PNG"), 1000)
    with pytest.raises(PhotoUnreadable, match="no picture"):
        smaller(b"text", 1000)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 100, 101, 102])
def test_the_size_in_json_is_known_beforehand(size: int) -> None:
    """It is that of the base64, two quotes and a comma."""
    data = bytes(size)
    assert Parcel(data).base64_bytes == len(base64_of(data)) + 3
    assert Parcel(data).base64() == base64_of(data)


def test_pixels_are_sent_without_loss() -> None:
    """An array becomes a PNG of the same pixels, whatever its strides."""
    pixels = gradient(31, 17)[:, ::-1]
    data = read(pixels).data
    assert data is not None
    with Pillow.open(io.BytesIO(data)) as picture:
        np.testing.assert_array_equal(np.array(picture), pixels)


@pytest.mark.parametrize("shape", [(0, 4, 3), (4, 4, 4), (4,)])
def test_other_arrays_are_no_photographs(shape: tuple[int, ...]) -> None:
    """Four channels, one dimension or no pixels are refused with what was expected."""
    with pytest.raises(PhotoUnreadable):
        read(np.zeros(shape, np.uint8))


def test_names_show_no_signature() -> None:
    """A signed URL is called by what stands before its signature; what has no name is numbered."""
    assert name_of("https://host/a.jpg?X-Amz-Signature=secret", 1) == "https://host/a.jpg"
    assert name_of(Path("a/b.jpg"), 1) == "a/b.jpg"
    assert name_of(b"", 7) == "photo 7"


def test_keys_tell_photographs_apart(tmp_path: Path) -> None:
    """The same photograph has the same key, another content or another place another."""
    path = tmp_path / "a.jpg"
    path.write_bytes(b"one")
    before = key_of(path)
    assert before == key_of(str(path))
    path.write_bytes(b"other")
    assert key_of(path) != before
    assert key_of(b"one") == key_of(b"one") != key_of(b"two")
    assert key_of(gradient()) == key_of(gradient().copy()) != key_of(gradient()[:1])
    assert key_of("https://host/a.jpg") == "https://host/a.jpg"
