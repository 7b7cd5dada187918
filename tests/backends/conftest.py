"""Tiny real models, built once for all tests of the backends."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from anomaly.backends import rfdetr
from tests.tiny import tiny_rfdetr_checkpoint


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
