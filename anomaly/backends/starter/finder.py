"""The crack finder as a port: boxes first, and for any box the pixels in it."""

import weakref
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from anomaly.backends.components import Component, Likeness, components, mask
from anomaly.backends.starter.network import Network
from anomaly.backends.starter.release import WEIGHTS, Release, read
from anomaly.types import Box, Detection, Image, Mask, ModelCard

LABEL = "crack"

Seen = tuple[Likeness, list[Component]]
"""What the network answered for one photograph, and the cracks in it."""

NOTE = (
    "The embedded crack finder: a small network of our own, trained on generated photographs only. "
    "It knows cracks and nothing else; a detector fine-tuned on your structures will do better."
)


class Starter:
    """Detector and segmenter of cracks; see `anomaly.ports`. Give one instance both roles.

    What was found on the last batch given to `detect` is kept, four bytes a pixel, so that `segment` need
    not look again. It is known by the image object (a weak reference): an array must not be overwritten
    between the two calls. Any other array is looked at anew.
    """

    def __init__(self, release: Release, network: Network) -> None:
        self._release = release
        self._network = network
        self._last: list[tuple[weakref.ref[Image], Seen]] = []
        self.card = ModelCard(
            backend="starter",
            classes=(LABEL,),
            weights=WEIGHTS,
            sha256=release.sha256,
            device=network.device,
            note=NOTE,
            details={"parameters": release.parameters, "trained": release.date},
        )

    def detect(
        self, images: Sequence[Image], threshold: float, keys: Sequence[str] = ()
    ) -> list[list[Detection]]:
        """Return, per image and best first, the cracks with a calibrated score of at least `threshold`.

        A crack is what hangs together, branches and all; its box is exactly that of its pixels.
        """
        self._last = [(weakref.ref(image), self._look(image)) for image in images]
        answers = []
        for _, (_, found) in self._last:
            scored = [Detection(one.box, LABEL, self._release.calibration.score(one)) for one in found]
            kept = [one for one in scored if one.score >= threshold]
            answers.append(sorted(kept, key=lambda one: -one.score))
        return answers

    def segment(
        self, images: Sequence[Image], boxes: Sequence[Sequence[Box]], keys: Sequence[str] = ()
    ) -> list[list[Mask]]:
        """Return a mask per box: its own crack where `detect` gave the box, else all crack pixels in it."""
        answers: list[list[Mask]] = []
        for image, wanted in zip(images, boxes, strict=True):
            if not wanted:
                answers.append([])
                continue
            likeness, found = self._look(image)
            answers.append([mask(likeness, found, box, self._release.cut.low) for box in wanted])
        return answers

    def likeness(self, image: Image) -> Likeness:
        """Return how much each pixel looks like crack: (H, W) float32, 0..1, not calibrated."""
        return self._look(image)[0]

    def _look(self, image: Image) -> Seen:
        for known, seen in self._last:
            if known() is image:
                return seen
        likeness = self._network.likeness(np.ascontiguousarray(image))
        return likeness, components(likeness, self._release.cut)


def load(device: str = "cpu", threads: int = 0, folder: Path | None = None) -> Starter:
    """Load the shipped network, or the one in `folder` (`starter.onnx` and `starter.json`).

    `device` is "cpu", or "auto", "cuda" or "cuda:N": the card where this onnxruntime was built for one,
    else the CPU, which the card then says. `threads` is how many threads one photograph may use on the
    CPU, 0 for one per core. Raises `WeightsError` where the files are missing or damaged,
    `ConfigurationError` for a device of another name.
    """
    release = read(folder or Path(__file__).parent)
    return Starter(release, Network(release.weights, device, threads))
