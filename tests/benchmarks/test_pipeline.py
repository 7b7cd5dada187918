"""The pieces of the pipeline's benchmark, on tiny networks; no time is judged."""

import subprocess
import sys
import tomllib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from anomaly.backends import rfdetr, sam2
from anomaly.backends.embeddings import Embeddings
from anomaly.bootstrap import tables
from anomaly.errors import OutOfMemory
from anomaly.pipeline import Pipeline
from anomaly.vram import Table
from benchmarks.pipeline import memory, networks, steps, ways
from benchmarks.pipeline.__main__ import in_turns, ratio
from tests.pictures import encoded, gradient
from tests.vram.tables import document

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[rfdetr.RFDETR, sam2.BoxSegmenter]:
    """Tiny networks as the benchmark makes them, with room to keep what they compute."""
    folder = tmp_path_factory.mktemp("networks")
    kept = Embeddings(64)
    return (
        rfdetr.load(
            weights=networks.detector_file(folder, networks.TINY), device="cpu", max_batch=2, embeddings=kept
        ),
        sam2.load(
            weights=networks.sam2_file(folder, networks.TINY), device="cpu", max_batch=2, embeddings=kept
        ),
    )


def test_our_way_runs_every_photograph_anew(models: tuple[rfdetr.RFDETR, sam2.BoxSegmenter]) -> None:
    """From a file's bytes each photograph comes to its eight anomalies, and none is known from before."""
    detector, segmenter = models
    pipeline = Pipeline(ways.Steady(detector), segmenter, tables.taxonomy(), tables.standards())
    file = encoded(gradient(ways.WIDTH, ways.HEIGHT), "JPEG")
    with ThreadPoolExecutor(1) as pool:
        found = ways.whole(pipeline, file, 1, pool)()
    assert [len(each.anomalies) for each in found] == [ways.COUNT] * ways.DEPTH
    assert detector._embeddings.stats().hits == 0


def test_the_steps_are_those_of_our_way(models: tuple[rfdetr.RFDETR, sam2.BoxSegmenter]) -> None:
    """Step by step the networks come to the masks of the segmenter, and every step is timed."""
    detector, segmenter = models
    image = gradient(ways.WIDTH, ways.HEIGHT)
    spent, masks = steps.timed(detector, segmenter, [image])
    for own, theirs in zip(masks, segmenter.segment([image], [ways.boxes()])[0], strict=True):
        np.testing.assert_array_equal(own.bitmap, theirs.bitmap)
    assert len(spent) == 7
    assert all(ms > 0 for ms in spent.values())


def test_the_ceiling_is_the_same_networks(models: tuple[rfdetr.RFDETR, sam2.BoxSegmenter]) -> None:
    """The bare passes run each network once for the batch, and the decoder for all its boxes."""
    detector, segmenter = models
    calls: list[str] = []
    modules = {"detector": detector._network, "decoder": segmenter._network.mask_decoder}
    hooks = [
        each.register_forward_hook(lambda *_, name=name: calls.append(name)) for name, each in modules.items()
    ]
    ways.ceiling(detector, segmenter, 2)()
    for hook in hooks:
        hook.remove()
    assert calls == ["detector", "decoder"]


def test_the_boxes_lie_in_the_photograph() -> None:
    """Eight boxes with an extent, the same every time."""
    assert ways.boxes() == ways.boxes()
    assert len(ways.boxes()) == ways.COUNT
    assert all(each == each.clipped(ways.WIDTH, ways.HEIGHT) and each.area > 0 for each in ways.boxes())


def test_ways_take_turns_and_the_first_turn_does_not_count() -> None:
    """Each way runs once a round, in order; the round that warms up is left out."""
    order: list[str] = []
    runs = {"a": (lambda: order.append("a"), 1), "b": (lambda: order.append("b"), 2)}
    seconds = in_turns(runs, 3, "cpu")
    assert order == ["a", "b"] * 4
    assert {way: len(each) for way, each in seconds.items()} == {"a": 3, "b": 3}


def test_a_ratio_is_the_median_of_paired_rounds() -> None:
    """One way is twice as fast where the other takes twice the time in most rounds."""
    assert ratio({"ours": [1.0, 2.0, 9.0], "loop": [2.0, 4.0, 9.0]}, "ours", "loop") == 2.0


def test_peaks_are_measured_by_precision_and_batch() -> None:
    """Batch one and the largest in each precision; where the largest does not fit, the next half that does."""
    ran: list[tuple[str, int]] = []

    def work(precision: str, batch: int) -> Callable[[], object]:
        def run() -> None:
            if batch > 8 and precision == "fp32":
                raise OutOfMemory("too many")
            ran.append((precision, batch))

        return run

    peaks = memory.measured(work, "cpu", 32, ("fp32", "bf16"))
    assert list(peaks) == ["bf16_batch1", "bf16_batch32", "fp32_batch1", "fp32_batch8"]
    assert {*ran} == {("fp32", 8), ("fp32", 1), ("bf16", 32), ("bf16", 1)}


def test_a_peak_is_what_was_taken_in_between() -> None:
    """Memory that is taken and given back again counts."""
    # In a process of its own: what other tests left free here may be taken again, and nothing grows.
    program = (
        "import numpy as np; from benchmarks.pipeline import memory;"
        ' print(memory.peak_mb("cpu", lambda: np.ones(100 * 2**20, np.uint8).sum()))'
    )
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert 80 <= int(told.stdout) <= 160


def test_the_slope_is_between_the_two_batches() -> None:
    """Each photograph beyond the first adds its share; from one batch alone there is no slope."""
    assert memory.per_image_mb({"fp32_batch1": 256, "fp32_batch8": 606, "bf16_batch8": 9}, "fp32") == 50
    assert memory.per_image_mb({"fp32_batch1": 256}, "fp32") is None


@pytest.mark.parametrize("row", ["detectors.medium", "segmenters.sam2_large"])
def test_what_is_measured_fits_into_the_table(row: str) -> None:
    """The lines that are printed take their place in `configs/variants.toml`, and the server reads them."""
    peaks = {"bf16_batch1": 133, "bf16_batch32": 900, "fp32_batch1": 256, "fp32_batch32": 1806}
    section, name = row.split(".")
    measured = tomllib.loads(memory.toml(row, peaks))[section][name]["memory"]
    spoilt = document()
    spoilt[section][name]["memory"] |= measured  # type: ignore[index]
    table = Table.from_toml(spoilt)
    known = {each.key: each for each in (*table.detectors, *table.segmenters)}[name]
    assert known.memory.measured_mb == peaks
    assert (known.memory.per_image_mb, known.memory.per_image_source) == (50, "measured")


def test_the_networks_are_those_of_the_table() -> None:
    """Every variant that the product can load is measured."""
    table = tables.variants()
    assert {each.key for each in table.detectors} == set(networks.DETECTORS)
    assert {each.key for each in table.segmenters} == {"sam3", *(f"sam2_{each}" for each in networks.SAMS)}
