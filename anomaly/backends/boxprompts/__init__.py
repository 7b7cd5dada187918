"""Masks from boxes over SAM's image encoder, prompt encoder and mask decoder.

SAM 2 and SAM 3 share that design, and their packages' predictors share its costs: a float picture at full
resolution, a Python loop over the images of a batch, masks enlarged to the whole photograph. Here pictures
are reduced as bytes, encoded in batches, decoded with the boxes of all images together, and enlarged inside
the boxes alone. Importing this package imports no torch.
"""

from anomaly.backends.boxprompts.encoder import Encoder
from anomaly.backends.boxprompts.network import Features, Network, Tensor, compiled, in_bf16, normalised
from anomaly.backends.boxprompts.segmenter import BoxSegmenter, Prompt, slices

__all__ = [
    "BoxSegmenter",
    "Encoder",
    "Features",
    "Network",
    "Prompt",
    "Tensor",
    "compiled",
    "in_bf16",
    "normalised",
    "slices",
]
