"""The two things a model can do. A backend is a file in `backends/` whose `load` returns one of these."""

from collections.abc import Sequence
from typing import Protocol

from anomaly.types import Box, Detection, Image, Mask, ModelCard


class Detector(Protocol):
    """Finds labelled boxes. One thread calls it at a time."""

    card: ModelCard

    def detect(
        self, images: Sequence[Image], threshold: float, keys: Sequence[str] = ()
    ) -> list[list[Detection]]:
        """Return, per image and best first, the detections with score >= `threshold`.

        Images are (H, W, 3) uint8 RGB of any and differing sizes; boxes lie inside their image. `keys` name
        the images' content, one each or none at all: under the same key come the same pixels, so that what
        was computed for a key may be kept for the next time.
        Raises `OutOfMemory` where the batch did not fit, `ModelError` where the model failed.
        """
        ...


class Segmenter(Protocol):
    """Turns boxes into masks. One thread calls it at a time."""

    card: ModelCard

    def segment(
        self, images: Sequence[Image], boxes: Sequence[Sequence[Box]], keys: Sequence[str] = ()
    ) -> list[list[Mask]]:
        """Return, per image, one mask per box, in order, each inside its box.

        An image without boxes costs nothing. A mask with no pixel set says that nothing was found.
        A bitmap covers `Box` rounded outwards to whole pixels and clipped to the image. `keys` are those of
        `Detector.detect`.
        Raises `OutOfMemory` where the batch did not fit, `ModelError` where the model failed.
        """
        ...
