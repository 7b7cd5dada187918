"""Compiled networks: padded up to the next size of batch, they answer as they did."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from anomaly.backends import rfdetr, sam2
from anomaly.backends.boxprompts import BoxSegmenter
from anomaly.backends.compiled import Compiled, buckets
from anomaly.backends.device import Placement, settle
from anomaly.backends.embeddings import Embeddings
from anomaly.errors import ConfigurationError
from anomaly.types import Box, ModelCard
from tests.tiny_sam import save_tiny_sam2, tiny_sam2


@pytest.fixture(scope="module")
def segmenter(tmp_path_factory: pytest.TempPathFactory) -> sam2.BoxSegmenter:
    """A tiny SAM 2.1."""
    return sam2.load(weights=save_tiny_sam2(tmp_path_factory.mktemp("compiled") / "sam.pt"), device="cpu")


@pytest.mark.parametrize(
    ("largest", "sizes"),
    [(1, (1,)), (2, (1, 2)), (3, (1, 2, 3)), (8, (1, 2, 4, 8)), (25, (1, 2, 4, 8, 16, 25))],
)
def test_the_sizes_double_up_to_the_largest(largest: int, sizes: tuple[int, ...]) -> None:
    """Few sizes, none of which wastes more than half a batch."""
    assert buckets(largest) == sizes


def test_batches_are_padded_and_cut_back() -> None:
    """The network sees the sizes alone; the rows that come back are those of the batch."""
    seen: list[int] = []

    def network(batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        seen.append(len(batch))
        return 2 * batch, batch.sum((1, 2))

    compiled = Compiled(torch.compiler.disable(network), 8, on_gpu=False, backend="eager")
    for count in range(1, 11):
        batch = torch.rand(count, 3, 4)
        twice, total = compiled(batch)
        torch.testing.assert_close(twice, 2 * batch)
        torch.testing.assert_close(total, batch.sum((1, 2)))
    assert seen == [1, 2, 4, 4, 8, 8, 8, 8, 9, 10]


def test_a_compiled_detector_answers_as_it_did(detector: rfdetr.RFDETR) -> None:
    """Three pictures, padded to four: the boxes and logits of RF-DETR's real network, traced, are its own."""
    compiled = Compiled(lambda pixels: detector._network(pixels)[:2], 4, on_gpu=False, backend="aot_eager")
    batch = torch.rand(3, 3, 96, 96)
    with torch.inference_mode():
        for ours, theirs in zip(compiled(batch), detector._network(batch)[:2], strict=True):
            assert ours.shape == theirs.shape
            torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


def test_a_compiled_encoder_answers_as_it_did(segmenter: sam2.BoxSegmenter) -> None:
    """Three pictures, padded to four: the features of SAM 2.1's real encoder, traced, are its own."""
    encode = segmenter._network.encode
    compiled = Compiled(encode, 4, on_gpu=False, backend="aot_eager")
    batch = torch.rand(3, 3, segmenter._network.size, segmenter._network.size)
    with torch.inference_mode():
        for ours, theirs in zip(compiled(batch), encode(batch), strict=True):
            assert ours.shape == theirs.shape
            torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


@pytest.mark.filterwarnings("ignore:.torch.jit.script_method. is deprecated:DeprecationWarning")  # inductor's
def test_loading_compiles_where_it_is_asked_for(rfdetr_checkpoint: Path, tmp_path: Path) -> None:
    """`compiled` puts both networks behind torch.compile, which works at the first batch, and not before."""
    detector = rfdetr.load(weights=rfdetr_checkpoint, device="cpu", compiled=True)
    segmenter = sam2.load(weights=save_tiny_sam2(tmp_path / "sam.pt"), device="cpu", compiled=True)
    assert isinstance(detector._network, Compiled)
    assert isinstance(segmenter._network.encode, Compiled)


def test_where_nothing_can_be_compiled_it_is_said() -> None:
    """A compiler that fails ends the start with what to set."""

    def backend(*_: object) -> None:
        raise FileNotFoundError("g++")

    compiled = Compiled(lambda batch: (batch + 1,), 2, on_gpu=False, backend=backend)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="COMPILE=off"):
        compiled(torch.rand(1, 3))


def test_a_detectors_channels_may_lie_innermost(detector: rfdetr.RFDETR) -> None:
    """In the order in which a card's convolutions read them, RF-DETR's real network answers the same."""
    network, pixels = detector._network, torch.rand(2, 3, 96, 96)
    with torch.inference_mode():
        before = network(pixels)[:2]
        try:
            network.to(memory_format=torch.channels_last)
            after = network(pixels.to(memory_format=torch.channels_last))[:2]
        finally:
            network.to(memory_format=torch.contiguous_format)
    for ours, theirs in zip(after, before, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


def test_a_segmenters_channels_may_lie_innermost() -> None:
    """So does SAM 2.1's, from the picture to the masks, with features that were kept and put together."""
    image = np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8)
    boxes = [[Box(5, 5, 90, 80), Box(40, 20, 150, 110)], [Box(0, 0, 160, 120)]]
    found = []
    for order in (torch.contiguous_format, torch.channels_last):
        module = tiny_sam2().requires_grad_(False).to(memory_format=order)
        parts = sam2._parts(module)
        encode = parts.encode
        parts = replace(parts, encode=lambda pixels, o=order, e=encode: e(pixels.to(memory_format=o)))
        segmenter = BoxSegmenter(
            parts,
            ModelCard("sam2"),
            Placement("cpu", "fp32"),
            max_batch=2,
            max_prompts=8,
            embeddings=Embeddings(16),
        )
        pictures = {"a": image, "b": image[::-1]}
        for keys in (["a", "b"], ["b", "a"]):  # computed together, and then known one by one
            found.append(segmenter.segment([pictures[key] for key in keys], boxes, keys))
    for plain, innermost in ((found[0], found[2]), (found[1], found[3])):
        for theirs, ours in zip(plain, innermost, strict=True):
            for one, other in zip(theirs, ours, strict=True):
                assert one.score == pytest.approx(other.score, abs=1e-4)
                assert np.mean(one.bitmap == other.bitmap) > 0.999


def test_on_the_cpu_networks_stay_as_they_are() -> None:
    """The order of channels is a card's matter."""
    module = torch.nn.Conv2d(3, 8, 3)
    assert settle(module, Placement("cpu", "fp32")) is module
    assert module.weight.is_contiguous()
