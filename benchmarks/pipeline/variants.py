"""The memory of every network of `configs/variants.toml`; of tiny ones on the CPU."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from anomaly.backends import rfdetr, sam2, sam3
from anomaly.imaging.photo import Photo
from anomaly.types import Image, Limits
from benchmarks.pipeline import memory, networks, ways
from benchmarks.serving.requests import photograph


def peaks(device: str, largest: int) -> dict[str, dict[str, int]]:
    """Return the peaks of each network by its row in the table."""
    image = Photo(photograph(ways.WIDTH, ways.HEIGHT)).frame(Limits()).image
    measured = {}

    def add(row: str, path: Path, work: memory.Work) -> None:
        measured[row] = memory.measured(work, device, largest, ("fp32", "bf16"))
        path.unlink()

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for variant in (networks.TINY,) if device == "cpu" else networks.DETECTORS:
            path = networks.detector_file(folder, variant)
            add(f"detectors.{key(variant)}", path, detecting(path, device, image))
        for size in (networks.TINY,) if device == "cpu" else networks.SAMS:
            path = networks.sam2_file(folder, size)
            add(f"segmenters.sam2_{key(size)}", path, segmenting(sam2.load, path, device, image))
        if device != "cpu":
            path = networks.sam3_file(folder)
            add("segmenters.sam3", path, segmenting(sam3.load, path, device, image))
    return measured


def key(variant: str) -> str:
    """Return a variant's name as a key of the table."""
    return variant.replace(" ", "_")


def detecting(path: Path, device: str, image: Image) -> memory.Work:
    """Return how the detector of `path` is loaded and run."""

    def work(precision: str, batch: int) -> Callable[[], object]:
        model = rfdetr.load(weights=path, device=device, precision=precision, max_batch=batch)
        return lambda: model.detect([image] * batch, 0.3)

    return work


def segmenting(load: Callable[..., Any], path: Path, device: str, image: Image) -> memory.Work:
    """Return how the segmenter of `path` is loaded and run, with the boxes of the other measurements."""

    def work(precision: str, batch: int) -> Callable[[], object]:
        model = load(weights=path, device=device, precision=precision, max_batch=batch)
        return lambda: model.segment([image] * batch, [ways.boxes()] * batch)

    return work
