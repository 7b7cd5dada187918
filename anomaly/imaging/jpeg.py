"""The segments at the head of a JPEG file (ITU-T T.81, B.1)."""

_MAGIC = b"\xff\xd8\xff"
_APP1 = 0xE1  # where Exif and XMP stand
_BASELINE = 0xC0
_START_OF_SCAN = 0xDA


def is_jpeg(data: bytes) -> bool:
    """Tell a JPEG file by its first bytes."""
    return data.startswith(_MAGIC)


def has_notes(data: bytes) -> bool:
    """Tell whether a JPEG file may hold Exif or XMP; of one whose head is not as expected, yes.

    It steps from segment to segment: microseconds, where looking for a name takes one of the whole file.
    """
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == _START_OF_SCAN:
            return False
        if marker == _APP1:
            return True
        at += 2 + int.from_bytes(data[at + 2 : at + 4])
    return True


def baseline_pixels(data: bytes) -> int | None:
    """Return the number of pixels of a baseline JPEG, by its head; None of another file.

    Baseline pixels cost the same each; in another JPEG they may come again and again.
    """
    if not is_jpeg(data):
        return None
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF and data[at + 1] != _START_OF_SCAN:
        if data[at + 1] == _BASELINE:
            return int.from_bytes(data[at + 5 : at + 7]) * int.from_bytes(data[at + 7 : at + 9])
        at += 2 + int.from_bytes(data[at + 2 : at + 4])
    return None
