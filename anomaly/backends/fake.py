"""A detector and segmenter that finds nothing real: the same for the same photograph, at a price one can set.

Tests, demos and load tests drive the whole server with it. Boxes, labels and scores are drawn from a few of the
photograph's pixels; each mask is a slanted bar across its box.
"""

import hashlib
import math
import time
from collections.abc import Sequence

import numpy as np

from anomaly.backends.lowres import pixels_of
from anomaly.types import Box, Detection, Image, Mask, ModelCard

LABELS = ("crack", "spalling", "corrosion", "efflorescence", "exposed rebar", "beam", "deck")
"""What it claims to find, in the order of the boxes: five defects, then two structures, and again."""


class Fake:
    """See the module; made by `load`."""

    def __init__(self, batch_ms: float, image_ms: float, boxes: int) -> None:
        self._batch_s = batch_ms / 1e3
        self._image_s = image_ms / 1e3
        self._boxes = boxes
        self.card = ModelCard(
            backend="fake",
            classes=LABELS,
            note="a fake that finds nothing real: for tests, demos and load tests",
            details={"batch_ms": batch_ms, "image_ms": image_ms, "boxes": boxes},
        )

    def detect(
        self, images: Sequence[Image], threshold: float, keys: Sequence[str] = ()
    ) -> list[list[Detection]]:
        """Return the boxes that each photograph's pixels stand for, after the time that the batch costs.

        They are drawn within that time, as a device finds them while the processor waits.
        """
        if not images:
            return []
        until = time.monotonic() + self._batch_s + len(images) * self._image_s
        found = [[each for each in self._found(image) if each.score >= threshold] for image in images]
        time.sleep(max(0.0, until - time.monotonic()))
        return found

    def segment(
        self, images: Sequence[Image], boxes: Sequence[Sequence[Box]], keys: Sequence[str] = ()
    ) -> list[list[Mask]]:
        """Return a bar from corner to corner in each box, an eighth of its shorter side wide."""
        return [
            [_bar(box, image.shape[1], image.shape[0]) for box in found]
            for image, found in zip(images, boxes, strict=True)
        ]

    def _found(self, image: Image) -> list[Detection]:
        height, width = image.shape[:2]
        rng = np.random.default_rng(_seed(image))
        found = []
        drawn = rng.uniform((0, 0, 0.1, 0.1, 0.35), (0.7, 0.7, 0.3, 0.3, 1.0), (self._boxes, 5))
        for number, (x, y, w, h, score) in enumerate(drawn.tolist()):
            box = Box(x * width, y * height, (x + w) * width, (y + h) * height)
            found.append(Detection(box, LABELS[number % len(LABELS)], score))
        return sorted(found, key=lambda each: -each.score)


def load(*, batch_ms: float = 0.0, image_ms: float = 0.0, boxes: int = 3) -> Fake:
    """Return a fake that finds `boxes` things on each photograph and takes `batch_ms` and `image_ms` each."""
    return Fake(batch_ms, image_ms, boxes)


def _seed(image: Image) -> int:
    """Draw a number from the size and about a thousand pixels: microseconds, however large the photograph."""
    step = max(1, math.isqrt(image.shape[0] * image.shape[1] // 1000))
    sample = np.ascontiguousarray(image[::step, ::step])
    return int.from_bytes(
        hashlib.blake2b(sample.tobytes() + repr(image.shape).encode(), digest_size=8).digest()
    )


def _bar(box: Box, width: int, height: int) -> Mask:
    left, top, w, h = pixels_of(box, width, height)
    y, x = np.ogrid[0:h, 0:w]
    # Distance of each pixel's centre from the diagonal.
    off = np.abs((x + 0.5) * h - (y + 0.5) * w) / max(1.0, math.hypot(w, h))
    bitmap = off <= max(0.5, min(w, h) / 16)
    return Mask(bitmap, left, top, 0.9 if bitmap.any() else 0.0)
