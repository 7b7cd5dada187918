"""When a photograph is cut into tiles, and into which."""

from dataclasses import dataclass
from math import ceil
from typing import Literal

from anomaly.errors import InvalidRequest
from anomaly.types import Box, Tiles

SMALLEST_TILE = 64
"""Pixels. Below it a tile shows a detector nothing."""

MOST_TILES = 400
"""Tiles of one photograph at the most: what one request may cost."""

_AUTO_OVERLAP = 1 / 6  # of the tile's side: enough band for two views of a crack to be compared
_AUTO_BATCHES = 8
_AUTO_FEWEST, _AUTO_MOST = 16, 64
"""Tiles of one photograph without being asked: eight batches of what the memory holds at once, within these."""


@dataclass(frozen=True, slots=True)
class TilingPlan:
    """The tiles of one photograph, row by row, all of one size; `side` and `overlap` in pixels."""

    tiles: tuple[Box, ...]
    side: int
    overlap: int


def auto_tiles(batch: int) -> int:
    """Return how many tiles `"auto"` may make where `batch` of them fit into the memory at once.

    With little memory tiles are larger, and fewer: a photograph then costs no more than eight batches, or sixteen
    tiles where memory holds one or two at a time, since coarser ones show no thin cracks.
    """
    return min(_AUTO_MOST, max(_AUTO_FEWEST, _AUTO_BATCHES * batch))


def choose(
    width: int,
    height: int,
    detector_side: int,
    request: Literal["auto", "off"] | Tiles = "auto",
    *,
    most_tiles: int = _AUTO_MOST,
) -> TilingPlan | None:
    """Return the tiles for a photograph of `width` x `height` pixels, or None to look at it whole.

    `detector_side` is the side, in pixels, to which the detector shrinks what it sees, 0 if it does not
    shrink: then nothing is gained by tiles, and `"auto"` makes none. Otherwise `"auto"` tiles
    a photograph whose longer side is over twice that, into tiles of that very side, so that nothing is
    shrunk, overlapping by a sixth; where that makes more than `most_tiles` (`auto_tiles` of the memory
    plan's batch), the tiles grow until it does not. A request for tiles at least as large as the photograph
    is a request for none. Raises `InvalidRequest` for a tile or an overlap out of range.
    """
    match request:
        case "off":
            return None
        case "auto":
            if detector_side <= 0 or max(width, height) <= 2 * detector_side:
                return None
            side = detector_side
            while _count(width, height, side, round(side * _AUTO_OVERLAP)) > max(most_tiles, 2):
                side = ceil(side * 1.05)
            overlap = round(side * _AUTO_OVERLAP)
        case Tiles():
            side, overlap = request.tile, request.overlap
            _check(width, height, side, overlap)
    if side >= max(width, height):
        return None
    return TilingPlan(plan_tiles(width, height, side, overlap), side, overlap)


def plan_tiles(width: int, height: int, side: int, overlap: int) -> tuple[Box, ...]:
    """Cover `width` x `height` pixels with whole-pixel tiles, row by row from the top left.

    All tiles are `side` pixels square (or as wide, or as high, as a smaller photograph). Neighbours share
    at least `overlap` pixels: what the last tile would stick out by is shared among all of them.
    """
    return tuple(
        Box(float(x), float(y), float(min(x + side, width)), float(min(y + side, height)))
        for y in _starts(height, side, overlap)
        for x in _starts(width, side, overlap)
    )


def _starts(extent: int, side: int, overlap: int) -> list[int]:
    number = _along(extent, side, overlap)
    return [round(index * (extent - side) / (number - 1)) for index in range(number)] if number > 1 else [0]


def _along(extent: int, side: int, overlap: int) -> int:
    return 1 if extent <= side else ceil((extent - overlap) / (side - overlap))


def _count(width: int, height: int, side: int, overlap: int) -> int:
    return _along(width, side, overlap) * _along(height, side, overlap)


def _check(width: int, height: int, side: int, overlap: int) -> None:
    if side < SMALLEST_TILE:
        raise InvalidRequest(
            f"tiling.tile is {side} pixels; a tile has {SMALLEST_TILE} at least. Leave tiling at 'auto' if unsure."
        )
    if not 0 <= overlap <= side // 2:
        raise InvalidRequest(
            f"tiling.overlap is {overlap} pixels; for tiles of {side} it lies between 0 and {side // 2}."
            f" A sixth of the tile, {side // 6}, is a good choice."
        )
    number = _count(width, height, side, overlap)
    if number > MOST_TILES:
        raise InvalidRequest(
            f"tiling asks for {number} tiles of this {width}x{height} photo and {MOST_TILES} is the most;"
            " ask for larger tiles or less overlap."
        )
