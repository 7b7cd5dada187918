"""What the network is punished for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from training.photo import Sample

if TYPE_CHECKING:
    import torch

BACKGROUND, CRACK, RIM, IGNORED = 0, 1, 2, 3
"""The codes of a target, one per pixel."""

WEIGHTS = (1.0, 3.0, 0.3, 0.0)
"""How much a pixel of each code counts. Where exactly a crack's rim lies is nobody's to say."""

RIM_PIXELS = 2
EMPTY_PIXELS = 60.0
"""Smoothing of the overlap term: on a photograph without cracks it punishes alarms of about this area."""


def target(sample: Sample) -> NDArray[np.uint8]:
    """Return the codes for one photograph: (n, n) uint8."""
    around = np.ones((2 * RIM_PIXELS + 1, 2 * RIM_PIXELS + 1), np.uint8)
    codes = cv2.dilate(sample.crack.astype(np.uint8), around) * np.uint8(RIM)
    codes[sample.crack] = CRACK
    codes[cv2.dilate(sample.ignore.astype(np.uint8), around) > 0] = IGNORED
    return codes


def punish(logits: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
    """Return weighted cross-entropy plus half the overlap loss, averaged over the batch.

    `logits` (N, 1, H, W) float, `codes` (N, H, W) uint8.
    """
    import torch
    from torch.nn import functional as F

    logits = logits[:, 0].float()
    crack = (codes == CRACK).float()
    weight = torch.tensor(WEIGHTS)[codes.long()]
    entropy = F.binary_cross_entropy_with_logits(logits, crack, weight, reduction="sum") / (weight.sum() + 1)
    counted = (weight >= 1).float()
    chance = torch.sigmoid(logits) * counted
    both = (chance * crack).sum((1, 2))
    either = chance.sum((1, 2)) + crack.sum((1, 2))
    overlap = 1 - (2 * both + EMPTY_PIXELS) / (either + EMPTY_PIXELS)
    return entropy + 0.5 * overlap.mean()
