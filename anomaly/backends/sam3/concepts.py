"""Boxes from words: SAM 3's detector over a fixed list of concepts."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from anomaly.backends.boxprompts import Encoder, Tensor, slices
from anomaly.backends.device import Placement, failures, inference
from anomaly.backends.embeddings import Embeddings
from anomaly.backends.sam3 import network
from anomaly.types import Box, Detection, Image, ModelCard


class ConceptDetector:
    """A `Detector` whose labels are the concepts that it was loaded with. One thread calls it at a time."""

    card: ModelCard

    def __init__(
        self,
        parts: network.Parts,
        phrases: Mapping[str, Tensor],
        concepts: tuple[str, ...],
        card: ModelCard,
        placement: Placement,
        *,
        max_batch: int,
        max_prompts: int,
        embeddings: Embeddings,
    ) -> None:
        """`phrases` are the encoded `concepts`, in order; `parts.module` is a `Sam3Image`.

        A segmenter over the same `embeddings` finds there what was encoded here.
        """
        self.card = replace(
            card, classes=concepts, note="finds what its concepts name; not trained on defects"
        )
        self._parts = parts
        self._phrases = phrases
        self._concepts = concepts
        self._placement = placement
        self._embeddings = embeddings
        self._network = network.prompted(parts)
        self._encoder = Encoder(self._network, f"{card.backend} {card.sha256}", placement, embeddings)
        self._max_batch = max_batch
        self._max_prompts = max_prompts

    def detect(
        self, images: Sequence[Image], threshold: float, keys: Sequence[str] = ()
    ) -> list[list[Detection]]:
        """Return, per image and best first, what looks like a concept: see `ports.Detector`.

        A score is the object's own times the score of the concept's being in the picture at all.
        """
        return self._embeddings.relieved(lambda: self._detected(images, threshold, keys))

    def _detected(
        self, images: Sequence[Image], threshold: float, keys: Sequence[str]
    ) -> list[list[Detection]]:
        answers: list[list[Detection]] = [[] for _ in images]
        for batch in slices(range(len(images)), self._max_batch):
            with failures("sam3"), inference(self._placement):
                features = self._encoder(
                    [images[index] for index in batch], [keys[index] for index in batch] if keys else ()
                )
                asked = [
                    (slot, concept) for slot in range(len(batch)) for concept in range(len(self._concepts))
                ]
                for part in slices(asked, self._max_prompts):
                    boxes, scores = self._grounded(features[0], part)
                    for (slot, concept), own, certain in zip(part, boxes, scores, strict=True):
                        image = images[batch[slot]]
                        answers[batch[slot]] += _detections(
                            own, certain, self._concepts[concept], image, threshold
                        )
        return [sorted(own, key=lambda detection: -detection.score) for own in answers]

    def _grounded(
        self, trunk: Tensor, asked: Sequence[tuple[int, int]]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Boxes (P, Q, 4), centre and extent in 0..1, and scores (P, Q) of Q queries per (image, concept)."""
        import torch
        from sam3.model.data_misc import FindStage
        from sam3.model.geometry_encoders import Prompt

        # The detector reads one level, at the trunk's own scale.
        level = self._parts.visual.convs[2](trunk)
        position = self._parts.visual.position_encoding(level).to(level.dtype)
        on_device = {"device": trunk.device}
        which = torch.tensor(asked, **on_device)
        found = self._parts.module.forward_grounding(
            backbone_out={"backbone_fpn": [level], "vision_pos_enc": [position], **self._phrases},
            find_input=FindStage(
                img_ids=which[:, 0],
                text_ids=which[:, 1],
                input_boxes=None,
                input_boxes_mask=None,
                input_boxes_label=None,
                input_points=None,
                input_points_mask=None,
            ),
            find_target=None,
            geometric_prompt=Prompt(
                box_embeddings=torch.zeros(0, len(asked), 4, **on_device),
                box_mask=torch.zeros(len(asked), 0, dtype=torch.bool, **on_device),
            ),
        )
        present = found["presence_logit_dec"].float().sigmoid()[:, None]
        scores = (found["pred_logits"].float().sigmoid() * present)[..., 0]
        return found["pred_boxes"].float().cpu().numpy(), scores.cpu().numpy()


def _detections(
    boxes: NDArray[np.float32], scores: NDArray[np.float32], label: str, image: Image, threshold: float
) -> list[Detection]:
    height, width = image.shape[:2]
    found = []
    for index in np.flatnonzero(scores >= threshold):
        x, y, extent, rise = (float(value) for value in boxes[index])
        box = Box(
            (x - extent / 2) * width,
            (y - rise / 2) * height,
            (x + extent / 2) * width,
            (y + rise / 2) * height,
        ).clipped(width, height)
        if box.area > 0:
            found.append(Detection(box, label, float(scores[index])))
    return found
