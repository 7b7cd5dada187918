"""SAM 3 (https://github.com/facebookresearch/sam3, SAM License): masks from boxes, boxes from words.

A backend for a graphics card: on two processor cores its image encoder takes minutes for a photograph. The
package is kept at arm's length: it builds the networks, and everything around them is ours.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from anomaly.backends.boxprompts import BoxSegmenter
from anomaly.backends.checkpoint import open_checkpoint
from anomaly.backends.device import Placement, place, sha256
from anomaly.backends.embeddings import Embeddings
from anomaly.backends.sam3 import network
from anomaly.backends.sam3.concepts import ConceptDetector
from anomaly.backends.sam3.vocabulary import find
from anomaly.errors import ConfigurationError
from anomaly.types import ModelCard

__all__ = ["BoxSegmenter", "ConceptDetector", "is_checkpoint", "load", "load_with_concepts"]

log = logging.getLogger(__name__)


def load(
    *,
    weights: Path,
    device: str = "auto",
    precision: str = "auto",
    max_batch: int = 4,
    max_prompts: int = 32,
    on_cpu: bool = False,
    embeddings: Embeddings | None = None,
) -> BoxSegmenter:
    """Load a segmenter from Meta's sam3.pt: its image encoder and its box-prompt part, half of the file.

    `device` and `precision` are those of `device.place`; at most `max_batch` images and `max_prompts` boxes
    go through the network at once; what is encoded is kept in `embeddings`, if they are given. Without a card
    it is refused unless `on_cpu`. Raises `WeightsError`
    where the file is not what is expected, `ConfigurationError` for the rest.
    """
    placement = _place(device, precision, on_cpu=on_cpu)
    checkpoint = open_checkpoint(weights, network.EXPECTED, lazily=True)
    network.check(checkpoint)
    with network.package(placement) as builder:
        parts = network.boxes_only(builder, checkpoint, placement)
    log.info("%s: SAM 3 for boxes on %s in %s", checkpoint.name, placement.device, placement.precision)
    return BoxSegmenter(
        network.prompted(parts),
        _card(weights, placement, parts.module),
        placement,
        max_batch=max_batch,
        max_prompts=max_prompts,
        embeddings=embeddings,
    )


def load_with_concepts(
    *,
    weights: Path,
    concepts: Sequence[str],
    vocabulary: Path | None = None,
    device: str = "auto",
    precision: str = "auto",
    max_batch: int = 4,
    max_prompts: int = 32,
    on_cpu: bool = False,
    embeddings: Embeddings | None = None,
) -> tuple[ConceptDetector, BoxSegmenter]:
    """Load a detector of `concepts` ("crack", "exposed rebar") and a segmenter over one image encoder.

    The words are encoded once, here; their encoder is then let go. With `embeddings` that hold a batch the
    two encode a photograph once between them. `vocabulary` is CLIP's
    bpe_simple_vocab_16e6.txt.gz where it is neither beside the weights nor in an installed package. The
    rest is as in `load`.
    """
    names = tuple(dict.fromkeys(concept.strip() for concept in concepts if concept.strip()))
    if not names:
        raise ConfigurationError('SAM 3 was given no concepts to find: name some, such as "crack".')
    placement = _place(device, precision, on_cpu=on_cpu)
    checkpoint = open_checkpoint(weights, network.EXPECTED, lazily=True)
    network.check(checkpoint)
    words = find(vocabulary, weights.parent)
    with network.package(placement) as builder:
        parts, phrases = network.with_words(builder, checkpoint, placement, words, names)
    log.info("%s: SAM 3 for %s on %s", checkpoint.name, ", ".join(names), placement.device)
    card = _card(weights, placement, parts.module)
    kept = embeddings or Embeddings()
    detector = ConceptDetector(
        parts, phrases, names, card, placement, max_batch=max_batch, max_prompts=max_prompts, embeddings=kept
    )
    segmenter = BoxSegmenter(
        network.prompted(parts),
        card,
        placement,
        max_batch=max_batch,
        max_prompts=max_prompts,
        embeddings=kept,
    )
    return detector, segmenter


def is_checkpoint(path: Path) -> bool:
    """Whether a weights file is SAM 3's, by its keys alone.

    Raises `WeightsError` for a file that cannot be read.
    """
    return network.belongs(open_checkpoint(path, network.EXPECTED, lazily=True).tensors)


def _place(device: str, precision: str, *, on_cpu: bool) -> Placement:
    placement = place(device, precision)
    if not (placement.on_gpu or on_cpu):
        raise ConfigurationError(
            "SAM 3 needs an NVIDIA card: on a processor it takes minutes for a photograph. "
            "Use SAM 2.1 (tiny or small) or the embedded default here."
        )
    return placement


def _card(weights: Path, placement: Placement, module: Any) -> ModelCard:
    return ModelCard(
        backend="sam3",
        weights=weights.name,
        sha256=sha256(weights),
        device=placement.device,
        precision=placement.precision,
        details={"parameters": sum(parameter.numel() for parameter in module.parameters())},
    )
