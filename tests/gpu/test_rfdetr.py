"""RF-DETR on a card."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from anomaly.backends import rfdetr
from anomaly.errors import OutOfMemory
from anomaly.types import Detection, Image
from tests.tiny import hollow_rfdetr_checkpoint, tiny_rfdetr_checkpoint

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA card"),
]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A checkpoint of a tiny real RF-DETR."""
    path = tiny_rfdetr_checkpoint(tmp_path_factory.mktemp("rfdetr") / "bridges.pth")
    yield path
    path.unlink()


@pytest.fixture
def exact() -> Iterator[None]:
    """Multiply in full fp32, without TF32, for comparisons with the CPU."""
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    yield
    torch.set_float32_matmul_precision(before[0])
    torch.backends.cudnn.allow_tf32 = before[1]


def photographs(*sizes: tuple[int, int]) -> list[Image]:
    """Return noise of each (height, width)."""
    random = np.random.default_rng(0)
    return [random.integers(0, 256, (*size, 3), dtype=np.uint8) for size in sizes]


def same(one: Detection, other: Detection) -> bool:
    """Whether two detections agree within 0.5 px and a score of 0.001."""
    corners = np.subtract(
        (one.box.x_min, one.box.y_min, one.box.x_max, one.box.y_max),
        (other.box.x_min, other.box.y_min, other.box.x_max, other.box.y_max),
    )
    return one.label == other.label and np.abs(corners).max() <= 0.5 and abs(one.score - other.score) <= 1e-3


@pytest.mark.usefixtures("exact")
def test_the_card_finds_what_the_cpu_finds(checkpoint: Path) -> None:
    """In full fp32, pictures of mixed sizes in one batch get the CPU's boxes within 0.5 px, scores within 0.001."""
    images = photographs((480, 640), (1080, 1920), (1, 50), (1, 1))
    on_cpu = rfdetr.load(weights=checkpoint, device="cpu").detect(images, 0.3)
    detector = rfdetr.load(weights=checkpoint, device="cuda", precision="fp32")
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
    for ours, theirs in zip(detector.detect(images, 0.3), on_cpu, strict=True):
        assert len(ours) == len(theirs) > 0
        for one in ours:
            assert any(same(one, other) for other in theirs)


def test_bf16_is_the_choice_where_the_card_has_it(checkpoint: Path) -> None:
    """A card that computes in bf16 does so by default, and finds something."""
    if not torch.cuda.is_bf16_supported(including_emulation=False):
        pytest.skip("this card does not compute in bf16")
    detector = rfdetr.load(weights=checkpoint)
    assert (detector.card.device, detector.card.precision) == ("cuda", "bf16")
    assert detector.detect(photographs((480, 640)), 0.3)[0]


def test_transfers_do_not_grow_with_the_batch(checkpoint: Path) -> None:
    """Eight pictures go up, and their results come down, in as many transfers as one picture's."""
    detector = rfdetr.load(weights=checkpoint, device="cuda", max_batch=8)

    def transfers(images: list[Image]) -> int:
        detector.detect(images, 0.3)  # the sampling of a size is uploaded when it is first met
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
            detector.detect(images, 0.3)
        return sum("HtoD" in event.name or "DtoH" in event.name for event in profile.events())

    one = transfers(photographs((480, 640)))
    assert one > 0
    assert transfers(photographs(*[(480, 640)] * 8)) == one


def test_out_of_memory_is_told_and_survived(tmp_path: Path) -> None:
    """A batch that does not fit raises OutOfMemory, and a smaller one then passes."""
    detector = rfdetr.load(
        weights=hollow_rfdetr_checkpoint(tmp_path / "nano.pth", "nano"), device="cuda", max_batch=256
    )
    detector.detect(photographs((64, 64)), 0.3)
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 2**28) / total)
    try:
        with pytest.raises(OutOfMemory):
            detector.detect(photographs((64, 64)) * 256, 0.3)
        assert len(detector.detect(photographs((64, 64)) * 2, 0.3)) == 2
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
