"""Masks from boxes over SAM's image encoder, prompt encoder and mask decoder.

SAM 2 and SAM 3 share that design, and their packages' predictors share its costs: a float picture at full
resolution, a Python loop over the images of a batch, masks enlarged to the whole photograph. Here pictures
are reduced as bytes, encoded in batches, decoded with the boxes of all images together, and enlarged inside
the boxes alone. Importing this module imports no torch.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from anomaly.backends.device import Placement, failures, inference
from anomaly.backends.lowres import empty, mask_in_box
from anomaly.types import Box, Image, Mask, ModelCard

Tensor = Any
Item = TypeVar("Item")
Features = tuple[Tensor, ...]
"""What an encoder made of N photographs: tensors on the device whose first dimension is N."""

_CORNERS = (2, 3)  # SAM's labels for a box's top left and bottom right among its point prompts


@dataclass(frozen=True, slots=True)
class Network:
    """A SAM in parts, on its device and in its precision.

    `encode` takes (N, 3, `size`, `size`) float32 RGB, normalised by `mean` and `std` (per channel, of pixels
    in 0..255), and returns `Features`, which may be kept. `levels` makes of them what the decoder reads: the
    embedding (N, C, g, g) and the finer maps (N, C / 8, 4 g, 4 g) and (N, C / 4, 2 g, 2 g).
    """

    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    encode: Callable[[Tensor], Features]
    levels: Callable[[Features], tuple[Tensor, Tensor, Tensor]]
    prompt_encoder: Any
    mask_decoder: Any


@dataclass(frozen=True, slots=True)
class Prompt:
    """One box of one image: `image` is its place in the features, `width` x `height` its pixels."""

    image: int
    box: Box
    width: int
    height: int


class BoxSegmenter:
    """A `Segmenter` over a SAM. One thread calls it at a time; it keeps nothing between calls."""

    card: ModelCard

    def __init__(
        self, network: Network, card: ModelCard, placement: Placement, *, max_batch: int, max_prompts: int
    ) -> None:
        """Encode at most `max_batch` images and decode at most `max_prompts` boxes at once."""
        self.card = card
        self._network = network
        self._placement = placement
        self._max_batch = max_batch
        self._max_prompts = max_prompts

    def segment(
        self, images: Sequence[Image], boxes: Sequence[Sequence[Box]], keys: Sequence[str] = ()
    ) -> list[list[Mask]]:
        """Return, per image, one mask per box, in order, each inside its box: see `ports.Segmenter`.

        A box without area in its image gives a bitmap of shape (0, 0), and an image with no other box is
        not encoded.
        """
        masks = [
            [empty(box, image.shape[1], image.shape[0]) for box in own]
            for image, own in zip(images, boxes, strict=True)
        ]
        prompted = [index for index, own in enumerate(masks) if any(mask.bitmap.size for mask in own)]
        for batch in slices(prompted, self._max_batch):
            features = self.encode([images[index] for index in batch])
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

    def encode(self, images: Sequence[Image]) -> Features:
        """Run the image encoder, the costly part, on (H, W, 3) uint8 RGB images of any sizes, all at once."""
        with failures(self._title), inference(self._placement):
            return self._network.encode(normalised(images, self._network, self._placement))

    def decode(self, features: Features, prompts: Sequence[Prompt]) -> list[Mask]:
        """Return one mask per prompt, in order; the prompts of several images share a call of the decoder."""
        masks: list[Mask] = []
        with failures(self._title), inference(self._placement):
            levels = self._network.levels(features)
            for part in slices(prompts, self._max_prompts):
                logits, scores = self._logits(levels, part)
                masks.extend(
                    mask_in_box(grid, prompt.box, prompt.width, prompt.height, score)
                    for prompt, grid, score in zip(part, logits, scores, strict=True)
                )
        return masks

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


def normalised(images: Sequence[Image], network: Network, placement: Placement) -> Tensor:
    """Reduce pictures as bytes to `network.size` squared, upload them together, and normalise there.

    As the packages' own transforms do: bilinear with antialiasing, the aspect ratio given up.
    """
    import torch

    square = (network.size, network.size)
    batch = torch.empty((len(images), 3, *square), dtype=torch.uint8, pin_memory=placement.on_gpu)
    for slot, image in zip(batch, images, strict=True):
        # torch warns of pictures that it may not write to, and cannot read negative strides
        owned = np.require(image, requirements=("C", "W"))
        rgb = torch.from_numpy(owned).permute(2, 0, 1)[None]
        slot.copy_(
            torch.nn.functional.interpolate(
                rgb, square, mode="bilinear", align_corners=False, antialias=True
            )[0]
        )
    pixels = batch.to(placement.device, non_blocking=True).float()
    shift, scale = (
        torch.tensor(values, device=pixels.device).view(3, 1, 1) for values in (network.mean, network.std)
    )
    return pixels.sub_(shift).div_(scale)


def in_bf16(network: Any) -> None:
    """Hold in bf16 the weights that autocast would otherwise cast anew in every call.

    The results are those of autocast; memory and time for the casts are saved.
    """
    import torch

    cast = (torch.nn.Linear, torch.nn.Conv2d, torch.nn.ConvTranspose2d)
    for module in network.modules():
        if isinstance(module, cast):
            module.to(torch.bfloat16)


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
