"""The ridge filter as a port: boxes first, and for any box the pixels in it."""

import weakref
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from anomaly.backends.lowres import pixels_of
from anomaly.backends.ridge.bank import UNIT, respond
from anomaly.backends.ridge.evidence import score, weigh
from anomaly.backends.ridge.zones import zones
from anomaly.types import Bitmap, Box, Detection, Image, Mask, ModelCard

LABEL = "crack"

MOST = 500
"""Lines kept per photograph, best first: beyond that it is texture."""

NOTE = (
    "An oriented-ridge filter, not a trained model: it marks thin dark lines, and cannot tell a crack from"
    " a joint, an edge or a shadow. Take what it finds as an upper bound, for people to look through."
)

_TENTHS = 10


@dataclass(frozen=True, slots=True)
class Line:
    """One detection and the pixels that are its own: flat indices into the photograph, int64."""

    detection: Detection
    flat: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Trace:
    """What was found on one photograph, best first; `strength` (H, W) uint8 is in tenths, 0 off every line."""

    lines: tuple[Line, ...]
    strength: NDArray[np.uint8]


class Ridge:
    """Detector and segmenter of dark lines; see `anomaly.ports`. Give one instance both roles.

    What was found on the last batch given to `detect` is kept, a byte a pixel, so that `segment` need not
    look again. It is known by the image object (a weak reference, which keeps no photograph alive): an array
    must not be overwritten between the two calls. Any other array is looked at anew.
    """

    def __init__(self) -> None:
        self.card = ModelCard(backend="ridge", classes=(LABEL,), note=NOTE)
        self._last: list[tuple[weakref.ref[Image], Trace]] = []

    def detect(
        self, images: Sequence[Image], threshold: float, keys: Sequence[str] = ()
    ) -> list[list[Detection]]:
        """Return, per image and best first, the lines with a score >= `threshold`, 500 at most.

        A line is what hangs together and what continues it across a gap. Time and memory (about 15 bytes
        a pixel) grow with the pixels; no photograph is shrunk.
        """
        self._last = [(weakref.ref(image), trace(image)) for image in images]
        return [
            [line.detection for line in found.lines if line.detection.score >= threshold]
            for _, found in self._last
        ]

    def segment(
        self, images: Sequence[Image], boxes: Sequence[Sequence[Box]], keys: Sequence[str] = ()
    ) -> list[list[Mask]]:
        """Return a mask per box: its own line where `detect` gave the box, else all lines within it.

        `score` is s / (s + 3) for a mean strength of s times the usual response around; 0 for no pixels.
        """
        return [
            _masks(self._found(image), wanted) if wanted else []
            for image, wanted in zip(images, boxes, strict=True)
        ]

    def _found(self, image: Image) -> Trace:
        for known, found in self._last:
            if known() is image:
                return found
        return trace(image)


def load() -> Ridge:
    """Return the filter; there is nothing to read, and no card is used."""
    return Ridge()


def trace(image: Image) -> Trace:
    """Find the dark lines of a photograph, (H, W, 3) uint8 RGB."""
    grey = np.asarray(cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY), np.uint8)
    response = respond(grey)
    found = zones(grey, response.strength)
    strength = np.zeros(grey.shape, np.uint8)
    own = response.strength.ravel()[found.flat].astype(np.float32) * (_TENTHS / UNIT)
    strength.ravel()[found.flat] = np.clip(own, 1, 255)
    line_of_zone, evidence = weigh(grey, response, found)
    scores = score(evidence)
    line = line_of_zone[found.label]
    order = np.argsort(line, kind="stable")
    starts = np.searchsorted(line[order], np.arange(len(scores) + 1))
    best = np.argsort(-scores, kind="stable")[:MOST]
    pieces = [(float(scores[each]), found.flat[order[starts[each] : starts[each + 1]]]) for each in best]
    return Trace(
        tuple(Line(Detection(_box(flat, grey.shape[1]), LABEL, s), flat) for s, flat in pieces), strength
    )


def _box(flat: NDArray[np.int64], width: int) -> Box:
    y, x = np.divmod(flat, width)
    return Box(float(x.min()), float(y.min()), float(x.max() + 1), float(y.max() + 1))


def _masks(found: Trace, boxes: Sequence[Box]) -> list[Mask]:
    """Answer each box. Where several lines have the very same box, the first asking gets the best."""
    height, width = found.strength.shape
    own: dict[Box, list[Line]] = {}
    for line in reversed(found.lines):
        own.setdefault(line.detection.box, []).append(line)
    masks = []
    for box in boxes:
        x, y, columns, rows = pixels_of(box, width, height)
        window = found.strength[y : y + rows, x : x + columns]
        lines = own.get(box, [])
        bitmap: Bitmap = window > 0
        if lines:
            bitmap = np.zeros((rows, columns), np.bool_)
            down, right = np.divmod((lines.pop() if len(lines) > 1 else lines[0]).flat, width)
            bitmap[down - y, right - x] = True
        mean = float(window[bitmap].mean()) / _TENTHS if bitmap.any() else 0.0
        masks.append(Mask(bitmap, x, y, mean / (mean + 3)))
    return masks
