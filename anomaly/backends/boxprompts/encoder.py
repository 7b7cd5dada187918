"""The image encoder: the costly part of a SAM, run only for photographs that it has not seen lately."""

from collections.abc import Sequence

from anomaly.backends.boxprompts.network import Features, Network, normalised
from anomaly.backends.device import Placement, inference
from anomaly.backends.embeddings import Embeddings, Kept
from anomaly.backends.threads import Threads
from anomaly.types import Image


class Encoder:
    """Encodes pictures for boxes and for words alike. `model` names the weights among the `embeddings`."""

    def __init__(self, network: Network, model: str, placement: Placement, embeddings: Embeddings) -> None:
        self._network = network
        self._model = model
        self._placement = placement
        self._embeddings = embeddings
        self._threads = Threads()

    def __call__(self, images: Sequence[Image], keys: Sequence[str] = ()) -> Features:
        """Return the features of (H, W, 3) uint8 RGB images of any sizes, at least one, in order.

        Those that are not known by their key are encoded all at once. Raises what torch raises.
        """
        import torch

        with inference(self._placement):
            if not (self._embeddings.on and any(keys)):
                return self._encoded(images)
            own = self._embeddings.of(self._model, keys, lambda places: self._apart(images, places))
            return own[0] if len(own) == 1 else tuple(map(torch.cat, zip(*own, strict=True)))

    def _encoded(self, images: Sequence[Image]) -> Features:
        return self._network.encode(normalised(images, self._network, self._placement, self._threads))

    def _apart(self, images: Sequence[Image], places: Sequence[int]) -> list[Kept]:
        """Return the features of each image in memory of its own: a part would keep that of all."""
        levels = self._encoded([images[place] for place in places])
        return [tuple(level[number, None].clone() for level in levels) for number in range(len(places))]
