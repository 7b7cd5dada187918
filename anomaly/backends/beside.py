"""Two detectors as one: where the first knows no defect, the second looks for them."""

from collections.abc import Sequence
from dataclasses import replace

from anomaly.ports import Detector
from anomaly.types import Detection, Image


class Beside:
    """`first` and `finder` on the same photographs; their detections together, best first."""

    def __init__(self, first: Detector, finder: Detector) -> None:
        self._first = first
        self._finder = finder
        self.card = replace(
            first.card,
            backend=f"{first.card.backend}+{finder.card.backend}",
            classes=tuple(dict.fromkeys((*first.card.classes, *finder.card.classes))),
            note="; ".join(filter(None, (first.card.note, finder.card.note))),
        )

    def detect(
        self, images: Sequence[Image], threshold: float, keys: Sequence[str] = ()
    ) -> list[list[Detection]]:
        """Return what either finds. Raises as they do."""
        return [
            sorted((*one, *other), key=lambda each: -each.score)
            for one, other in zip(
                self._first.detect(images, threshold, keys),
                self._finder.detect(images, threshold, keys),
                strict=True,
            )
        ]
