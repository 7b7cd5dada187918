import textwrap

import numpy as np
import pybase64
import pytest

from anomaly.errors import EmptyImage, ImageTooLarge, InvalidBase64, InvalidRequest
from anomaly.imaging.photo import Photo
from anomaly.types import Limits
from tests.pictures import base64_of, encoded, gradient

LIMITS = Limits()
FILE = encoded()
TEXT = base64_of(FILE)


@pytest.mark.parametrize(
    "source",
    [
        FILE,
        TEXT,
        f"data:image/png;base64,{TEXT}",
        f"DATA:image/png;name=a.png;BASE64,{TEXT}",
        "\n".join(textwrap.wrap(TEXT, 76)),
        TEXT.rstrip("="),
        pybase64.urlsafe_b64encode(FILE).decode(),
        f"  {TEXT}\n",
    ],
    ids=["bytes", "plain", "data-uri", "capitals", "lines", "no-padding", "url-alphabet", "spaces"],
)
def test_every_common_form_gives_the_same_frame(source: object) -> None:
    """Bytes and all common spellings of base64 give the same pixels, digest and id."""
    frame = Photo(source).frame(LIMITS)
    np.testing.assert_array_equal(frame.image, gradient())
    assert frame.digest == Photo(FILE).frame(LIMITS).digest
    assert frame.id == f"frame_{frame.digest[:12]}"


def test_the_callers_id_is_kept() -> None:
    """A frame id that the caller gave comes back."""
    assert Photo(FILE, "span 3").frame(LIMITS).id == "span 3"


@pytest.mark.parametrize(
    "source", ["not base64!", "data:image/png,abc", "data:image/png;base64", "a", "ä" * 8]
)
def test_what_is_not_base64_is_said_to_be_so(source: str) -> None:
    """Text that is not base64 is refused with its own code."""
    with pytest.raises(InvalidBase64):
        Photo(source).frame(LIMITS)


@pytest.mark.parametrize("source", [b"", "", "data:image/png;base64,", "  "])
def test_no_bytes_are_an_empty_image(source: object) -> None:
    """An image of 0 bytes is refused with its own code."""
    with pytest.raises(EmptyImage):
        Photo(source).frame(LIMITS)


@pytest.mark.parametrize("source", [None, 7, ["a"], {"url": "x"}, True])
def test_a_wrong_type_is_an_invalid_request(source: object) -> None:
    """An image that is neither bytes nor text is refused, with what it was."""
    with pytest.raises(InvalidRequest, match=type(source).__name__):
        Photo(source).frame(LIMITS)


@pytest.mark.parametrize("source", [FILE, TEXT])
def test_bytes_are_limited(source: object) -> None:
    """A file at the limit passes, one byte more does not."""
    Photo(source).frame(Limits(max_image_bytes=len(FILE)))
    with pytest.raises(ImageTooLarge):
        Photo(source).frame(Limits(max_image_bytes=len(FILE) - 1))
