"""A photograph as a caller has it -> as it is sent."""

import base64
import hashlib
import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from anomaly.client.errors import PhotoTooLarge, PhotoUnreadable

Source: TypeAlias = str | os.PathLike[str] | bytes | NDArray[np.uint8]
"""A path, a file's bytes, the URL of one (http, https), or pixels: (H, W, 3) RGB or (H, W) grey, uint8."""

_QUALITIES = (92, 85, 75)
"""Of JPEG, tried in turn. Never fewer pixels: what is measured is measured in pixels."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is sent of one photograph: its file's bytes, or the URL at which the server finds them."""

    data: bytes | None = None
    url: str | None = None

    @property
    def base64_bytes(self) -> int:
        """Bytes that it takes in JSON, its quotes and comma included."""
        if self.data is None:
            return len(self.url or "") + 3
        return (len(self.data) + 2) // 3 * 4 + 3

    def base64(self) -> str:
        """Return the file's bytes as base64 text."""
        return base64.b64encode(self.data or b"").decode("ascii")


def is_url(source: Source) -> bool:
    """Return whether the server is to fetch it."""
    return isinstance(source, str) and source[:8].lower().startswith(("http://", "https://"))


def name_of(source: Source, number: int) -> str:
    """Return what to call it: its path, its URL without what signs it, or its `number` from 1."""
    if isinstance(source, bytes | np.ndarray):
        return f"photo {number}"
    text = os.fspath(source)
    return text.partition("?")[0] if is_url(source) else text


def key_of(source: Source) -> str:
    """Return by what a journal knows it again: a file by its place, size and time, all else by its content."""
    if isinstance(source, bytes):
        return f"sha256:{hashlib.sha256(source).hexdigest()}"
    if isinstance(source, np.ndarray):
        digest = hashlib.sha256(str((source.shape, source.dtype)).encode() + source.tobytes())
        return f"sha256:{digest.hexdigest()}"
    if is_url(source):
        return os.fspath(source)
    path = Path(source).absolute()
    try:
        stat = path.stat()
    except OSError:
        return f"file:{path}"
    return f"file:{path}:{stat.st_size}:{stat.st_mtime_ns}"


def read(source: Source) -> Parcel:
    """Read or encode a photograph; call it off the event loop. Raises `PhotoUnreadable`."""
    if isinstance(source, bytes):
        return Parcel(source)
    if isinstance(source, np.ndarray):
        return Parcel(_png(source))
    if is_url(source):
        return Parcel(url=os.fspath(source))
    try:
        return Parcel(Path(source).read_bytes())
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise PhotoUnreadable(
            f"{os.fspath(source)} cannot be read ({reason}); give a path, bytes, an array, or a URL"
        ) from None


def smaller(data: bytes, most_bytes: int) -> bytes:
    """Return the photograph as a JPEG of at most `most_bytes`, with as many pixels and its EXIF.

    Raises `PhotoTooLarge` where even quality 75 is too large, `PhotoUnreadable` for what is no picture.
    """
    from PIL import Image as Pillow

    try:
        with Pillow.open(io.BytesIO(data)) as picture:
            exif = picture.info.get("exif", b"")
            flat = picture.convert("RGB")
    except Exception as error:  # a broken file makes Pillow raise almost anything
        raise PhotoUnreadable(
            f"the photo cannot be made smaller, it is no picture ({type(error).__name__})"
        ) from None
    size = 0
    for quality in _QUALITIES:
        buffer = io.BytesIO()
        flat.save(buffer, "JPEG", quality=quality, subsampling=0, exif=exif)
        if (size := buffer.tell()) <= most_bytes:
            return buffer.getvalue()
    raise PhotoTooLarge(
        f"the photo has {size / 1e6:.1f} MB as a JPEG of quality {_QUALITIES[-1]}, and {most_bytes / 1e6:.1f} are"
        " allowed; cut it, or give the client an upload"
    )


def _png(array: NDArray[np.uint8]) -> bytes:
    from PIL import Image as Pillow

    if array.dtype != np.uint8 or not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3)):
        raise PhotoUnreadable(
            f"an array of shape {array.shape} and {array.dtype} is no photo; give (H, W, 3) RGB or (H, W), uint8"
        )
    if array.size == 0:
        raise PhotoUnreadable("the array has no pixels")
    buffer = io.BytesIO()
    Pillow.fromarray(np.ascontiguousarray(array)).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
