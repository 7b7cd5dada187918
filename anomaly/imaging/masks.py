"""Masks on the wire: COCO run lengths, polygons with holes, or a PNG of the box.

All three are made inside the mask's own box, never on a full frame, and all three are exact: decoding
them gives the very pixels of the mask. Coordinates are those of the whole photograph.
"""

import struct
import zlib
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, TypedDict

import cv2
import numpy as np
import pybase64
from numpy.typing import NDArray
from pycocotools import mask as coco

from anomaly.types import Bitmap, Mask, MaskFormat


class Rle(TypedDict):
    """COCO's compressed run lengths: `size` is [height, width] of the photograph, `counts` is ASCII."""

    size: list[int]
    counts: str


class Part(TypedDict):
    """One connected part (pixels that meet at a corner count as connected): its outline and its holes.

    Each is an array of points, (N, 2) int32 xy, which orjson writes as lists where it is told to know numpy.
    """

    exterior: NDArray[np.int32]
    holes: list[NDArray[np.int32]]


class Png(TypedDict):
    """A 1-bit greyscale PNG of the box, base64; its pixel (0, 0) is pixel (`x`, `y`) of the photograph."""

    x: int
    y: int
    width: int
    height: int
    data: str


def encode(mask: Mask, mask_format: MaskFormat, width: int, height: int) -> Rle | list[Part] | Png:
    """Return `mask`, which lies in a photograph of `width` x `height` pixels, in the format asked for."""
    match mask_format:
        case MaskFormat.RLE:
            return rle(mask, width, height)
        case MaskFormat.POLYGON:
            return polygon(mask)
        case MaskFormat.PNG:
            return png(mask)


def rle(mask: Mask, width: int, height: int) -> Rle:
    """Return COCO's run lengths of `mask` in a photograph of `width` x `height` pixels.

    Identical to what pycocotools encodes from the full frame, without the full frame: the runs are
    found in the crop and pycocotools compresses them. Raises ValueError for a mask that sticks out.
    """
    rows, columns = mask.bitmap.shape
    if mask.x < 0 or mask.y < 0 or mask.x + columns > width or mask.y + rows > height:
        raise ValueError(
            f"a {columns}x{rows} mask at ({mask.x}, {mask.y}) sticks out of {width}x{height} pixels"
        )
    padded = np.zeros((rows + 2, columns), dtype=np.uint8)
    padded[1:-1] = mask.bitmap
    flips = np.flatnonzero((padded[1:] ^ padded[:-1]).view(np.bool_))
    row, column = np.divmod(flips, max(columns, 1))
    place = (mask.x + column) * height + (mask.y + row)
    place.sort()
    if rows == height and place.size:  # a run goes on from the foot of one column to the head of the next
        again = place[1:] == place[:-1]
        place = place[~(np.append(again, False) | np.insert(again, 0, False))]
    runs = np.diff(place, prepend=0)
    rest = width * height - int(place[-1] if place.size else 0)
    if rest:
        runs = np.append(runs, rest)
    packed = coco.frPyObjects({"counts": runs, "size": [height, width]}, height, width)
    return {"size": [height, width], "counts": packed["counts"].decode("ascii")}


# A border pixel is walked round with the outside on the left hand. Directions 0..7 turn clockwise on
# the screen from +x; corners 0..3 are top left, top right, bottom right, bottom left. Between arriving
# and leaving, the walk passes 1 to 4 corners of the pixel. All are turns but the last, and that too
# where the walk leaves diagonally; else it goes straight on along the next pixel.
_DIRECTION = np.array([5, 6, 7, 0, 4, 1, 0, 0, 3, 2, 1], np.uint8)  # by 4 (dy + 1) + (dx + 1)
_CORNER = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], "<i4").view("<i8")[:, 0]  # packed, see `_corners`
_ARRIVES = np.array([0, 0, 1, 1, 2, 2, 3, 3])
_LEAVES = np.array([1, 2, 2, 3, 3, 0, 0, 1])
_TURNS = ((_LEAVES[None, :] - _ARRIVES[:, None] - 1) % 4 + np.arange(8) % 2).reshape(-1)
_TURN = _CORNER[(np.repeat(_ARRIVES, 8)[:, None] + 1 + np.arange(4)) % 4].reshape(-1)
"""By 8 arriving + leaving: how many corners turn, (64,), and which they are, four entries each, (256,)."""


def polygon(mask: Mask) -> list[Part]:
    """Return the outlines of `mask`, one entry per connected part, the parts' holes beside them.

    Points are [x, y] in whole pixels **along the corners of pixels**: pixel (0, 0) is the square from
    [0, 0] to [1, 1], as in COCO. Rings are not closed (the first point is not repeated), have at least
    four points, turn at each of them, and run clockwise on the screen around parts, counter-clockwise
    around holes. So the shoelace area of an exterior less that of its holes is the number of pixels, and
    a rasteriser that tests pixel centres gives the mask back. Where two pixels meet at a corner only,
    the ring passes that corner twice. An empty mask has no parts.
    """
    rings, hierarchy = cv2.findContours(mask.bitmap.view(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    if not rings:
        return []
    corners, ends = _corners(rings, mask.x, mask.y)
    # Lists of lists of numbers would cost more than all else: their making, and the search for cycles among them.
    outlines = [corners[start:end] for start, end in pairwise([0, *ends.tolist()])]
    outlines.reverse()  # in the order of `rings` again
    parts: dict[int, Part] = {}
    holes: list[tuple[int, NDArray[np.int32]]] = []
    for index, (outline, parent) in enumerate(zip(outlines, hierarchy[0, :, 3].tolist(), strict=True)):
        if parent < 0:
            parts[index] = {"exterior": outline, "holes": []}
        else:
            holes.append((parent, outline))
    for parent, outline in holes:
        parts[parent]["holes"].append(outline)
    return list(parts.values())


def _corners(rings: Sequence[NDArray[Any]], x: int, y: int) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
    """Turn rings through pixel centres into rings along pixel corners, all at once, moved by `x` and `y`.

    Returns the corners of all rings, the last ring first, (N, 2), and where each ring ends in them. A point is one
    number on the way, x + 2**32 y, which is its two numbers in a row: half the work.
    """
    # OpenCV has the outside on the right hand: turned round, and all rings at once, which is five times as quick
    lengths = np.fromiter(map(len, rings), np.intp, len(rings))[::-1]
    ends = np.cumsum(lengths)
    starts = ends - lengths
    pixel = np.concatenate(rings).astype("<i4", copy=False).view("<i8").reshape(-1)[::-1]
    step = np.empty_like(pixel)
    np.subtract(pixel[1:], pixel[:-1], out=step[:-1])
    step[ends - 1] = pixel[starts] - pixel[ends - 1]
    step += (1 << 32) + 1
    leaving = _DIRECTION[(step | (step >> 30)) & 15]
    arriving = np.empty_like(leaving)
    arriving[1:] = leaving[:-1]
    arriving[starts] = leaving[ends - 1]
    lone = starts[lengths == 1]
    arriving[lone], leaving[lone] = 1, 5  # as at the tip of a diagonal: all four corners
    way = (arriving * np.uint8(8) + leaving).astype(np.intp)
    turns = _TURNS[way]
    stops = np.cumsum(turns)
    which = np.repeat(4 * way - (stops - turns), turns) + np.arange(stops[-1])
    corners = _TURN[which] + np.repeat(pixel, turns)
    points = corners.view("<i4").reshape(-1, 2)
    points += np.array([x, y], np.int32)
    return points, stops[ends - 1]


def png(mask: Mask) -> Png:
    """Return `mask` as a 1-bit greyscale PNG of its box (white is set) and the box's place.

    A mask without area has width or height 0 and no data.
    """
    rows, columns = mask.bitmap.shape
    data = pybase64.b64encode(_png(mask.bitmap)).decode("ascii") if rows and columns else ""
    return {"x": mask.x, "y": mask.y, "width": columns, "height": rows, "data": data}


def _png(bitmap: Bitmap) -> bytes:
    """Write the bitmap as a PNG file: OpenCV and Pillow take four to eight times as long over one bit."""
    rows, columns = bitmap.shape
    lines = np.zeros((rows, 1 + (columns + 7) // 8), dtype=np.uint8)  # each line starts with filter 0
    lines[:, 1:] = np.packbits(bitmap, axis=1)
    header = struct.pack(">IIBBBBB", columns, rows, 1, 0, 0, 0, 0)
    body = zlib.compress(lines.tobytes(), level=1)
    chunks = ((b"IHDR", header), (b"IDAT", body), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
