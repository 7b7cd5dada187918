"""A photograph as it came in, before anything about it is believed."""

import hashlib
from dataclasses import dataclass, field

import pybase64

from anomaly.errors import EmptyImage, ImageTooLarge, InvalidBase64, InvalidRequest
from anomaly.imaging.decode import decode_other, decode_plain
from anomaly.imaging.exif import read_exif
from anomaly.imaging.jpeg import read_head
from anomaly.types import Frame, Limits

QUICK_PIXELS = 400_000
QUICK_BYTES = 200_000
"""A JPEG up to both of these is decoded in about a millisecond."""


@dataclass(frozen=True, slots=True)
class Photo:
    """One photograph of a request: bytes, or base64 text with or without a data URI's head.

    `source` is whatever stood in the request, so that a wrong one fails alone, in its own slot. A
    photograph that is still to be fetched has a `url` in its place.
    """

    source: object
    frame_id: str | None = None
    url: str | None = None

    def file(self, limits: Limits) -> "PhotoFile":
        """Return the file's bytes and what follows from them alone, before a pixel is decoded.

        Raises the `InputError` that says what is wrong with it. Takes milliseconds: call it off the event loop.
        """
        data = self._bytes(limits)
        digest = hashlib.sha256(data).hexdigest()
        return PhotoFile(data, digest, self.frame_id or f"frame_{digest[:12]}")

    def frame(self, limits: Limits) -> Frame:
        """Decode to an upright RGB frame; its id is the caller's, else derived from the bytes.

        Raises the `InputError` that says what is wrong with it. Takes milliseconds to seconds of one
        core: call it off the event loop.
        """
        return self.file(limits).frame(limits)

    @property
    def is_quick(self) -> bool:
        """Whether `frame` takes about a millisecond: a small JPEG that needs no more than decoding."""
        source = self.source
        if not isinstance(source, bytes) or len(source) > QUICK_BYTES:
            return False
        notes, pixels = read_head(source)
        return not notes and pixels is not None and 0 < pixels <= QUICK_PIXELS

    def _bytes(self, limits: Limits) -> bytes:
        source = self.source
        if isinstance(source, str):
            source = _from_base64(source, limits)
        if not isinstance(source, bytes):
            raise InvalidRequest(
                f"an image is base64 text; got {type(source).__name__}. Send the file's bytes as base64."
            )
        if not source:
            raise EmptyImage("the image has 0 bytes; send the whole file")
        if len(source) > limits.max_image_bytes:
            raise _too_large(len(source), limits)
        return source


@dataclass(frozen=True, slots=True)
class PhotoFile:
    """A photograph's file: its bytes, their sha256 in hex, and the frame's id."""

    data: bytes = field(repr=False)
    digest: str
    frame_id: str

    def frame(self, limits: Limits) -> Frame:
        """Decode to an upright RGB frame. Raises `InputError`; takes milliseconds to seconds of one core."""
        image = decode_plain(self.data, limits)
        if image is not None:  # which holds no notes
            return Frame(self.frame_id, image, self.digest)
        return Frame(self.frame_id, decode_other(self.data, limits), self.digest, read_exif(self.data))


def _from_base64(text: str, limits: Limits) -> bytes:
    # data:image/jpeg;base64,<payload>
    if text[:5].lower() == "data:":
        head, comma, text = text.partition(",")
        if not comma or not head.lower().endswith(";base64"):
            raise InvalidBase64("the data URI is not of the form data:image/jpeg;base64,<base64>")
    if len(text) * 3 // 4 > limits.max_image_bytes + 3:
        raise _too_large(len(text) * 3 // 4, limits)
    try:
        return pybase64.b64decode(text, validate=True)
    except ValueError:
        pass
    # Lines of 76 characters, the URL alphabet and missing padding are base64 too, just rarer.
    compact = "".join(text.split())
    compact += "=" * (-len(compact) % 4)
    try:
        return pybase64.b64decode(
            compact, altchars=b"-_" if set("-_") & set(compact) else None, validate=True
        )
    except ValueError:
        raise InvalidBase64(
            "the image is not base64; encode the file's bytes, for instance with `base64 -w0 photo.jpg`"
        ) from None


def _too_large(size: int, limits: Limits) -> ImageTooLarge:
    return ImageTooLarge(
        f"the image has {size / 1e6:.1f} MB and the limit is {limits.max_image_bytes / 1e6:.1f} MB;"
        " send it with a higher compression"
    )
