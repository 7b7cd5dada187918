"""Tiny real models, built once for all tests of the backends."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from anomaly.backends import rfdetr
from tests.tiny import tiny_rfdetr_checkpoint
from tests.tiny_sam3 import save_tiny_sam3, shrink_sam3


@pytest.fixture(scope="session")
def rfdetr_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A checkpoint of a tiny real RF-DETR with seven classes of defects."""
    path = tiny_rfdetr_checkpoint(tmp_path_factory.mktemp("rfdetr") / "bridges.pth")
    yield path
    path.unlink()


@pytest.fixture(scope="session")
def detector(rfdetr_checkpoint: Path) -> rfdetr.RFDETR:
    """That checkpoint, loaded on the CPU."""
    return rfdetr.load(weights=rfdetr_checkpoint, device="cpu", max_batch=3)


@pytest.fixture(scope="module")
def sam3_builder() -> Iterator[Any]:
    """The package's `model_builder`, building tiny networks."""
    with pytest.MonkeyPatch.context() as patch:
        yield shrink_sam3(patch)


@pytest.fixture(scope="module")
def sam3_weights(tmp_path_factory: pytest.TempPathFactory, sam3_builder: Any) -> Iterator[Path]:
    """The checkpoint of a tiny SAM 3, with a vocabulary beside it."""
    path = save_tiny_sam3(tmp_path_factory.mktemp("sam3") / "tiny_sam3.pt", sam3_builder)
    yield path
    path.unlink()
