"""The detector around RF-DETR's network: our own steps before and after it.

Per batch there is one upload (uint8, pinned for a card), one pass and one download; no float picture of full
size exists at any time. The package's own `predict` gives the same boxes and scores: a test holds this to it.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomaly.backends.compiled import Compiled
from anomaly.backends.device import Placement, failures, inference, settle
from anomaly.backends.embeddings import Embeddings, Kept
from anomaly.backends.rfdetr.classes import Classes
from anomaly.backends.rfdetr.resize import Resizer
from anomaly.errors import ModelError
from anomaly.types import Box, Detection, Image, ModelCard

# ImageNet's mean and standard deviation per channel, of values in 0..1: what the network was trained on.
MEANS = (0.485, 0.456, 0.406)
DEVIATIONS = (0.229, 0.224, 0.225)


class RFDETR:
    """A `Detector`. At most `max_batch` pictures go through the network at once.

    `network` maps (N, 3, R, R) float32 to boxes and logits as `network.build` describes; `select` is the
    largest number of boxes per picture. `compiled` compiles it for a few sizes of batch.
    """

    def __init__(
        self,
        network: Any,
        card: ModelCard,
        classes: Classes,
        placement: Placement,
        *,
        resolution: int,
        select: int,
        max_batch: int,
        embeddings: Embeddings | None = None,
        compiled: bool = False,
    ) -> None:
        import torch

        self.card = card
        self._embeddings = embeddings or Embeddings()
        self._model = f"{card.backend} {card.sha256}"
        self._title = f"RF-DETR {(card.variant or '').title()}"
        self._names = classes.names
        self._placement = placement
        self._resized = Resizer(resolution, placement.device)
        self._select = select
        self._max_batch = max_batch
        device = torch.device(placement.device)
        with failures(self._title):
            settled = settle(network, placement)
            self._network = settled
            if compiled:
                self._network = Compiled(
                    lambda pixels: settled(pixels)[:2], max_batch, on_gpu=placement.on_gpu
                )
            self._columns = torch.tensor(classes.columns, device=device)
            deviations = torch.tensor(DEVIATIONS, device=device).view(1, 3, 1, 1)
            self._scale = 1 / (255 * deviations)
            self._shift = -torch.tensor(MEANS, device=device).view(1, 3, 1, 1) / deviations

    def detect(
        self, images: Sequence[Image], threshold: float, keys: Sequence[str] = ()
    ) -> list[list[Detection]]:
        """Return, per image and best first, the detections with score >= `threshold`.

        As `anomaly.ports.Detector` has it; raises `OutOfMemory` and `ModelError`.
        """
        names = keys or [""] * len(images)

        def rows(places: Sequence[int]) -> list[Kept]:
            return self._rows([images[place] for place in places])

        seen = self._embeddings.relieved(lambda: self._embeddings.of(self._model, names, rows))
        return [self._detections(own, image, threshold) for (own,), image in zip(seen, images, strict=True)]

    def _rows(self, images: Sequence[Image]) -> list[Kept]:
        """Return all that the network answers for each image, (K, 6) float32 as `_best` has it."""
        found: list[Kept] = []
        with failures(self._title):
            for start in range(0, len(images), self._max_batch):
                found += [(own.copy(),) for own in self._batch(images[start : start + self._max_batch])]
        return found

    def _batch(self, images: Sequence[Image]) -> NDArray[np.float32]:
        import torch

        with inference(self._placement):
            pixels = torch.addcmul(self._shift, self._resized(images), self._scale)
            boxes, logits = self._network(pixels)[:2]
            rows: NDArray[np.float32] = self._best(boxes.float(), logits.float()).cpu().numpy()
        if not np.isfinite(rows).all():
            raise ModelError(f"{self._title} answered with numbers that are not finite on this photograph.")
        return rows

    def _best(self, boxes: Any, logits: Any) -> Any:
        """Return (N, K, 6) float32, best first: the network's box, the score, the index into the names."""
        import torch

        scores = logits[..., self._columns].sigmoid().flatten(1)
        top = scores.topk(min(self._select, scores.shape[1]), dim=1)
        queries = top.indices.div(len(self._names), rounding_mode="floor")
        labels = top.indices.remainder(len(self._names))
        chosen = boxes.gather(1, queries.unsqueeze(-1).expand(-1, -1, 4))
        return torch.cat([chosen, top.values.unsqueeze(-1), labels.unsqueeze(-1)], dim=-1)

    def _detections(self, rows: NDArray[np.float32], image: Image, threshold: float) -> list[Detection]:
        height, width = image.shape[:2]
        found = []
        for x, y, w, h, score, label in rows[rows[:, 4] >= threshold].tolist():
            box = Box(
                (x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height
            ).clipped(width, height)
            if box.area > 0:  # what lies wholly outside locates nothing
                found.append(Detection(box, self._names[int(label)], score))
        return found
