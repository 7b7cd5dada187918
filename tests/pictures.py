"""Small pictures in every file format, for tests."""

import io
import struct
import zlib

import numpy as np
import pybase64
from PIL import Image as Pillow

from anomaly.types import Image


def gradient(width: int = 64, height: int = 48) -> Image:
    """Return (height, width, 3) uint8 RGB: red grows to the right, green downwards."""
    y, x = np.mgrid[0:height, 0:width]
    image = np.zeros((height, width, 3), np.uint8)
    image[..., 0] = (x * 255 // max(width - 1, 1)).astype(np.uint8)
    image[..., 1] = (y * 255 // max(height - 1, 1)).astype(np.uint8)
    return image


def encoded(image: Image | None = None, form: str = "PNG", mode: str = "RGB", **options: object) -> bytes:
    """Return `image` as a file in Pillow's format `form`, converted to `mode`."""
    buffer = io.BytesIO()
    picture = Pillow.fromarray(gradient() if image is None else image)
    picture.convert(mode).save(buffer, form, **options)
    return buffer.getvalue()


def base64_of(data: bytes) -> str:
    """Return the base64 text of `data`."""
    return pybase64.b64encode(data).decode()


def png_header(width: int, height: int) -> bytes:
    """Return a PNG that claims a size and breaks off at its first pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 100))
