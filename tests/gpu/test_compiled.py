"""COMPILE=on on a card: the networks of the packages, tiny, as CUDA graphs."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from anomaly.backends import rfdetr, sam2
from anomaly.backends.embeddings import Embeddings
from anomaly.types import Box, Image
from tests.tiny import tiny_rfdetr_checkpoint
from tests.tiny_sam import save_tiny_sam2

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA card"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # inductor's own
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


@pytest.fixture(autouse=True)
def exact() -> Iterator[None]:
    """Multiply in full fp32 for the comparison: loading switches TF32 on."""
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    yield
    torch.set_float32_matmul_precision(before[0])
    torch.backends.cudnn.allow_tf32 = before[1]


def photographs(number: int) -> list[Image]:
    """Random pictures."""
    random = np.random.default_rng(0)
    return [random.integers(0, 256, (120, 160, 3), np.uint8) for _ in range(number)]


def test_a_compiled_detector_answers_as_it_did(tmp_path: Path) -> None:
    """Batches of one to four, padded where they lie between, give the scores and boxes of the network as it is."""
    path = tiny_rfdetr_checkpoint(tmp_path / "tiny.pth")
    given = {"weights": path, "device": "cuda", "precision": "fp32", "max_batch": 4}
    plain, compiled = rfdetr.load(**given), rfdetr.load(**given, compiled=True)
    for count in (4, 1, 3, 2, 4):
        images = photographs(count)
        for ours, theirs in zip(compiled.detect(images, 0.3), plain.detect(images, 0.3), strict=True):
            assert abs(len(ours) - len(theirs)) <= 1  # a score may lie at the threshold
            for one, other in zip(ours[:5], theirs[:5], strict=True):
                assert one.score == pytest.approx(other.score, abs=5e-3)


def test_what_a_graph_returned_is_not_overwritten(tmp_path: Path) -> None:
    """Features of one call stay as they are through the next, and what is kept of them too."""
    path = save_tiny_sam2(tmp_path / "tiny.pt")
    kept = Embeddings(64)
    given = {"weights": path, "device": "cuda", "precision": "fp32", "max_batch": 2}
    segmenter = sam2.load(**given, embeddings=kept, compiled=True)
    first, second, third = photographs(3)
    features = segmenter.encode([first, second])
    before = [level.clone() for level in features]
    for _ in range(3):
        segmenter.encode([third, first])
    for level, copy in zip(features, before, strict=True):
        assert torch.equal(level, copy)
    boxes = [[Box(5, 5, 90, 80)]]
    anew = segmenter.segment([first], boxes, ["first"])[0][0]
    segmenter.segment([second, third], boxes * 2, ["second", "third"])
    again = segmenter.segment([first], boxes, ["first"])[0][0]
    assert kept.stats().hits == 1
    np.testing.assert_array_equal(again.bitmap, anew.bitmap)


def test_what_is_kept_lies_on_the_card(tmp_path: Path) -> None:
    """The bytes that are counted are those that the card holds more than before."""
    kept = Embeddings(64)
    segmenter = sam2.load(weights=save_tiny_sam2(tmp_path / "tiny.pt"), device="cuda", embeddings=kept)
    segmenter.encode(photographs(1), ["warm"])
    kept.clear()
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    segmenter.encode(photographs(2)[1:], ["kept"])
    torch.cuda.synchronize()
    grown = torch.cuda.memory_allocated() - before
    assert kept.stats().size_bytes <= grown <= kept.stats().size_bytes + 4096
