"""From boxes to masks: the boxes of all images of a batch share the decoder's calls."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from anomaly.backends.boxprompts.encoder import Encoder
from anomaly.backends.boxprompts.network import Features, Network, Tensor
from anomaly.backends.device import Placement, failures, inference
from anomaly.backends.embeddings import Embeddings
from anomaly.backends.lowres import empty, mask_in_box
from anomaly.backends.threads import Threads
from anomaly.types import Box, Image, Mask, ModelCard

Item = TypeVar("Item")

_CORNERS = (2, 3)  # SAM's labels for a box's top left and bottom right among its point prompts


@dataclass(frozen=True, slots=True)
class Prompt:
    """One box of one image: `image` is its place in the features, `width` x `height` its pixels."""

    image: int
    box: Box
    width: int
    height: int


class BoxSegmenter:
    """A `Segmenter` over a SAM. One thread calls it at a time; what it keeps between calls is in `embeddings`."""

    card: ModelCard

    def __init__(
        self,
        network: Network,
        card: ModelCard,
        placement: Placement,
        *,
        max_batch: int,
        max_prompts: int,
        embeddings: Embeddings | None = None,
    ) -> None:
        """Encode at most `max_batch` images and decode at most `max_prompts` boxes at once."""
        self.card = card
        self._network = network
        self._placement = placement
        self._embeddings = embeddings or Embeddings()
        self._threads = Threads()
        self._encoder = Encoder(network, f"{card.backend} {card.sha256}", placement, self._embeddings)
        self._max_batch = max_batch
        self._max_prompts = max_prompts

    def segment(
        self, images: Sequence[Image], boxes: Sequence[Sequence[Box]], keys: Sequence[str] = ()
    ) -> list[list[Mask]]:
        """Return, per image, one mask per box, in order, each inside its box: see `ports.Segmenter`.

        A box without area in its image gives a bitmap of shape (0, 0), and an image with no other box is
        not encoded, nor is one whose key is known from before.
        """
        return self._embeddings.relieved(lambda: self._segmented(images, boxes, keys))

    def _segmented(
        self, images: Sequence[Image], boxes: Sequence[Sequence[Box]], keys: Sequence[str]
    ) -> list[list[Mask]]:
        masks = [
            [empty(box, image.shape[1], image.shape[0]) for box in own]
            for image, own in zip(images, boxes, strict=True)
        ]
        prompted = [index for index, own in enumerate(masks) if any(mask.bitmap.size for mask in own)]
        for batch in slices(prompted, self._max_batch):
            features = self.encode(
                [images[index] for index in batch], [keys[index] for index in batch] if keys else ()
            )
            asked = [
                (slot, index, place)
                for slot, index in enumerate(batch)
                for place, mask in enumerate(masks[index])
                if mask.bitmap.size
            ]
            prompts = [
                Prompt(slot, boxes[index][place], images[index].shape[1], images[index].shape[0])
                for slot, index, place in asked
            ]
            for (_, index, place), mask in zip(asked, self.decode(features, prompts), strict=True):
                masks[index][place] = mask
        return masks

    def encode(self, images: Sequence[Image], keys: Sequence[str] = ()) -> Features:
        """Run the image encoder, the costly part, on (H, W, 3) uint8 RGB images of any sizes, all at once."""
        with failures(self._title):
            return self._encoder(images, keys)

    def decode(self, features: Features, prompts: Sequence[Prompt]) -> list[Mask]:
        """Return one mask per prompt, in order; the prompts of several images share a call of the decoder."""
        begun = []
        with failures(self._title), inference(self._placement):
            levels = self._network.levels(features)
            for part in slices(prompts, self._max_prompts):
                logits, scores = self._logits(levels, part)
                # These masks are enlarged while the next are decoded.
                begun.append(self._threads.begin(_mask, part, list(logits), scores.tolist()))
            return [mask for masks in begun for mask in masks]

    def _logits(
        self, levels: Sequence[Tensor], prompts: Sequence[Prompt]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Grids (P, S, S) over the whole images, positive inside the object, and the estimated IoU (P,)."""
        import torch

        network = self._network
        on_device = {"device": levels[0].device}
        corners = torch.from_numpy(_corners(prompts, network.size)).to(**on_device)
        labels = torch.tensor([_CORNERS], dtype=torch.int, **on_device).expand(len(prompts), -1)
        # Coordinates of up to a thousand do not survive bf16's eight bits.
        with torch.autocast(levels[0].device.type, enabled=False):
            sparse, dense = network.prompt_encoder(points=(corners, labels), boxes=None, masks=None)
            positions = network.prompt_encoder.get_dense_pe()
        owners = [prompt.image for prompt in prompts]
        embedding, fine, middle = (_per_prompt(level, owners) for level in levels)
        logits, scores, *_ = network.mask_decoder(
            image_embeddings=embedding,
            image_pe=positions,
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense,
            multimask_output=False,
            repeat_image=False,
            high_res_features=[fine, middle],
        )
        return logits[:, 0].float().cpu().numpy(), scores[:, 0].float().cpu().numpy()

    @property
    def _title(self) -> str:
        return f"{self.card.backend} {self.card.variant or ''}".rstrip()


def _mask(prompt: Prompt, logits: NDArray[np.float32], score: float) -> Mask:
    return mask_in_box(logits, prompt.box, prompt.width, prompt.height, score)


def _corners(prompts: Sequence[Prompt], side: int) -> NDArray[np.float32]:
    """The corners (P, 2, 2) of boxes, x then y, in pixels of the square that the network sees."""
    clipped = [prompt.box.clipped(prompt.width, prompt.height) for prompt in prompts]
    corners = np.array(
        [[[box.x_min, box.y_min], [box.x_max, box.y_max]] for box in clipped], dtype=np.float32
    )
    sizes = np.array([[[prompt.width, prompt.height]] for prompt in prompts], dtype=np.float32)
    return corners / sizes * np.float32(side)


def _per_prompt(level: Tensor, owners: Sequence[int]) -> Tensor:
    """Repeat the maps (N, ...) of a level to one per prompt; without a copy where one image has them all."""
    if len(set(owners)) == 1:
        return level[owners[0]].expand(len(owners), *level.shape[1:])
    return level[list(owners)]


def slices(items: Sequence[Item], length: int) -> Iterator[Sequence[Item]]:
    """Cut `items` into runs of at most `length`, in order."""
    for start in range(0, len(items), length):
        yield items[start : start + length]
