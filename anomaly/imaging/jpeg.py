"""The segments at the head of a JPEG file (ITU-T T.81, B.1)."""

import struct
from typing import NamedTuple

_MAGIC = b"\xff\xd8\xff"
_SEGMENT = 0xFF
_APP1 = 0xE1  # where Exif and XMP stand
_BASELINE = 0xC0
_START_OF_SCAN = 0xDA

_marker_and_length = struct.Struct(">BBH").unpack_from
_height_and_width = struct.Struct(">HH").unpack_from


class Head(NamedTuple):
    """What the segments before the picture say.

    `notes`: whether there may be Exif or XMP; of a head that is not as expected, yes. `baseline_pixels` is the
    number of pixels of a baseline JPEG, None of another file: baseline pixels cost the same each, in another
    JPEG they may come again and again.
    """

    notes: bool
    baseline_pixels: int | None


def is_jpeg(data: bytes) -> bool:
    """Tell a JPEG file by its first bytes."""
    return data.startswith(_MAGIC)


def read_head(data: bytes) -> Head:
    """Return what the head of a file says.

    It steps from segment to segment: microseconds, where looking for a name takes one of the whole file.
    """
    notes, pixels, at = False, None, 2
    if not is_jpeg(data):
        return Head(notes=True, baseline_pixels=None)
    try:
        while True:
            segment, marker, length = _marker_and_length(data, at)
            if segment != _SEGMENT:
                return Head(notes=True, baseline_pixels=pixels)
            if marker == _START_OF_SCAN:
                return Head(notes, pixels)
            if marker == _APP1:
                notes = True
            elif marker == _BASELINE:
                height, width = _height_and_width(data, at + 5)
                pixels = height * width
            at += 2 + length
    except struct.error:  # it breaks off
        return Head(notes=True, baseline_pixels=pixels)
