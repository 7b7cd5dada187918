import pytest

from anomaly.errors import InvalidRequest
from anomaly.serving.pod.body import MOST_PARTS, form

TYPE = 'multipart/form-data; boundary="a b"'
PICTURE = b"\xff\xd8\r\n--a c\r\n\r\n--\r\n-- \x00\xff"
"""Bytes that look like the form's own."""

FILE = b'Content-Disposition: form-data; name="photo"; filename="a;b.jpg"\r\nContent-Type: image/jpeg'
FIELD = b'content-disposition:form-data; name="frame_id"'


def body(*parts: tuple[bytes, bytes], end: bytes = b"\r\n--a b--\r\n") -> bytes:
    """Return a form of parts, each a head and its content."""
    written = [b"--a b\r\n" + head + b"\r\n\r\n" + content for head, content in parts]
    return b"\r\n".join(written) + end


@pytest.mark.parametrize("preamble", [b"", b"for readers without MIME\r\n"])
@pytest.mark.parametrize("epilogue", [b"", b"\r\nthe end\r\n--a b\r\n"])
def test_a_forms_file_comes_out_as_it_was_sent(preamble: bytes, epilogue: bytes) -> None:
    """Every byte of the file is kept, whatever stands in it, before the form or after it."""
    data = preamble + body((FIELD, "Brücke 7".encode()), (FILE, PICTURE)) + epilogue
    assert form(TYPE, data) == (PICTURE, {"frame_id": "Brücke 7"})


def test_a_part_may_be_empty() -> None:
    """A field without content is an empty text, and a file without bytes is an empty file."""
    assert form(TYPE, body((FIELD, b""), (FILE, b""))) == (b"", {"frame_id": ""})


@pytest.mark.parametrize(
    ("content_type", "data", "reason"),
    [
        ("multipart/form-data", body((FILE, PICTURE)), "names no boundary"),
        (TYPE, b"", "its boundary is not in it"),
        (TYPE, PICTURE, "its boundary is not in it"),
        (TYPE, body((FILE, PICTURE), end=b""), "breaks off"),
        (TYPE, body((FILE, PICTURE))[:90], "breaks off"),
        (TYPE, b"--a bc\r\n" + body((FILE, PICTURE)), "a part of it is broken"),
        (TYPE, body((b"Content-Type: image/jpeg", PICTURE)), "has no name"),
        (TYPE, body(), "0 files"),
        (TYPE, b"--a b--", "0 files"),
        (TYPE, body((FILE, PICTURE), (FILE, PICTURE)), "2 files"),
        (TYPE, body(*[(FIELD, b"x")] * MOST_PARTS), f"more than {MOST_PARTS} parts"),
    ],
)
def test_what_is_no_form_with_one_file_is_refused(content_type: str, data: bytes, reason: str) -> None:
    """A form that is broken, or that holds another number of files than one, is refused with what is wrong."""
    with pytest.raises(InvalidRequest, match=reason):
        form(content_type, data)
