"""What is kept of photographs: computed once, bounded in bytes, and let go where memory is short."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from anomaly.backends import rfdetr, sam2
from anomaly.backends.embeddings import Embeddings, Kept
from anomaly.errors import OutOfMemory
from anomaly.types import Box, Image, Mask
from tests.tiny_sam import save_tiny_sam2


class Model:
    """Computes 100 kB for each photograph, and remembers for which places."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []

    def __call__(self, places: list[int]) -> Sequence[Kept]:
        """Return an array that tells which call made it, and for which place."""
        self.asked.append(places)
        return [(np.full(100_000, 10 * len(self.asked) + place, np.uint8),) for place in places]


def values(found: Sequence[Kept]) -> list[int]:
    """Return what the arrays tell."""
    return [int(array[0]) for (array,) in found]


def test_what_is_known_is_not_computed_again() -> None:
    """Only the photographs that are new are computed, and each comes back in its place."""
    kept, model = Embeddings(1), Model()
    assert values(kept.of("m", ["a", "b"], model)) == [10, 11]
    assert values(kept.of("m", ["b", "c", "a"], model)) == [11, 21, 10]
    assert values(kept.of("m", ["c", "b"], model)) == [21, 11]
    assert model.asked == [[0, 1], [1]]
    stats = kept.stats()
    assert (stats.hits, stats.misses, stats.entries) == (4, 3, 3)
    assert (stats.size_bytes, stats.limit_bytes) == (300_000, 2**20)


def test_the_same_photograph_twice_in_a_batch_is_computed_once() -> None:
    """Two callers with the same photograph share it, whether anything is kept or not."""
    for limit_mb in (0, 1):
        model = Model()
        assert values(Embeddings(limit_mb).of("m", ["a", "b", "a"], model)) == [10, 11, 10]
        assert model.asked == [[0, 1]]


def test_models_do_not_share_what_they_made() -> None:
    """The same photograph is another thing to another model."""
    kept, model = Embeddings(1), Model()
    kept.of("m", ["a"], model)
    kept.of("n", ["a"], model)
    assert model.asked == [[0], [0]]


def test_what_has_no_name_is_never_known() -> None:
    """Without a key every photograph is computed, each for itself, and nothing is kept."""
    kept, model = Embeddings(1), Model()
    for _ in range(2):
        assert len(kept.of("m", ["", ""], model)) == 2
    assert model.asked == [[0, 1], [0, 1]]
    assert (kept.stats().misses, kept.stats().entries) == (0, 0)


def test_the_least_recently_asked_for_goes_first() -> None:
    """Ten arrays of 100 kB fit into a megabyte; the eleventh pushes out what was longest unused."""
    kept, model = Embeddings(1), Model()
    for number in range(10):
        kept.of("m", [f"{number}"], model)
    kept.of("m", ["0"], model)
    kept.of("m", ["new"], model)
    model.asked.clear()
    kept.of("m", ["0", "2", "new"], model)
    assert not model.asked
    kept.of("m", ["1"], model)
    assert model.asked == [[0]]
    assert kept.stats().size_bytes <= kept.stats().limit_bytes


def test_what_is_larger_than_everything_is_not_kept() -> None:
    """One photograph over the bound is answered and not kept, and pushes nothing out."""
    kept, model = Embeddings(1), Model()
    kept.of("m", ["a"], model)
    kept.of("m", ["huge"], lambda places: [(np.zeros(2**21, np.uint8),)])
    assert kept.stats().entries == 1


def test_without_room_nothing_is_kept() -> None:
    """A bound of 0 turns keeping off."""
    kept, model = Embeddings(0), Model()
    kept.of("m", ["a"], model)
    kept.of("m", ["a"], model)
    assert not kept.on
    assert model.asked == [[0], [0]]
    assert kept.stats().entries == 0


def test_where_memory_is_short_what_is_kept_goes() -> None:
    """Before a batch is halved for want of memory, what was kept is let go and the batch is tried again."""
    kept, tries = Embeddings(1), []
    kept.of("m", ["a"], Model())

    def run() -> int:
        tries.append(kept.stats().entries)
        if kept.stats().entries:
            raise OutOfMemory("too much")
        return 7

    assert kept.relieved(run) == 7
    assert tries == [1, 0]


def test_with_nothing_to_let_go_the_memory_is_out() -> None:
    """The error passes where nothing was kept, and where letting go did not help."""

    def run() -> int:
        raise OutOfMemory("too much")

    kept = Embeddings(1)
    with pytest.raises(OutOfMemory):
        kept.relieved(run)
    kept.of("m", ["a"], Model())
    with pytest.raises(OutOfMemory):
        kept.relieved(run)


# --- with the real packages ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sam_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The checkpoint of a tiny SAM 2.1."""
    path = save_tiny_sam2(tmp_path_factory.mktemp("kept") / "tiny_sam2.pt")
    yield path
    path.unlink()


def photograph(seed: int, height: int = 120, width: int = 160) -> Image:
    """Smooth random colours."""
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def batches_of(segmenter: sam2.BoxSegmenter) -> list[int]:
    """Return a list to which the image encoder adds the size of each batch that it sees."""
    seen: list[int] = []
    network, encode = segmenter._network, segmenter._network.encode
    object.__setattr__(network, "encode", lambda pixels: seen.append(len(pixels)) or encode(pixels))
    return seen


def pixels_of(masks: Sequence[Sequence[Mask]]) -> list[list[tuple[Any, ...]]]:
    """Return what makes masks the same."""
    return [[(each.x, each.y, each.score, each.bitmap.tobytes()) for each in own] for own in masks]


def test_other_boxes_on_the_same_photograph_cost_no_encoder(sam_file: Path) -> None:
    """Only new photographs are encoded; the masks are those of a segmenter that keeps nothing."""
    kept = Embeddings(16)
    segmenter = sam2.load(weights=sam_file, device="cpu", max_batch=2, embeddings=kept)
    plain = sam2.load(weights=sam_file, device="cpu", max_batch=2)
    seen = batches_of(segmenter)
    a, b, c = (photograph(seed) for seed in range(3))
    segmenter.segment([a, b], [[Box(5, 5, 90, 80)]] * 2, ["a", "b"])
    assert seen == [2]
    boxes = [[Box(30, 20, 150, 100), Box(0, 0, 40, 40)]] * 2
    again = segmenter.segment([b.copy(), c], boxes, ["b", "c"])
    assert seen == [2, 1]
    for ours, theirs in zip(again, plain.segment([b, c], boxes), strict=True):
        for left, right in zip(ours, theirs, strict=True):
            assert left.score == pytest.approx(right.score, abs=1e-4)
            assert np.mean(left.bitmap == right.bitmap) > 0.999
    known = segmenter.segment([b, c], boxes, ["b", "c"])
    assert seen == [2, 1]
    assert pixels_of(known) == pixels_of(again)
    features = segmenter.encode([a])
    assert kept.stats().size_bytes == 3 * sum(each.nbytes for each in features)


def test_what_is_kept_is_all_that_stays(sam_file: Path) -> None:
    """A photograph's features own their memory: keeping one of a batch does not keep the whole of it."""
    kept = Embeddings(16)
    segmenter = sam2.load(weights=sam_file, device="cpu", max_batch=4, embeddings=kept)
    segmenter.encode([photograph(seed) for seed in range(4)], ["a", "b", "c", "d"])
    [own] = kept.of(f"sam2 {segmenter.card.sha256}", ["c"], lambda places: [])
    assert [level.untyped_storage().nbytes() for level in own] == [level.nbytes for level in own]


def test_another_threshold_costs_no_detector(rfdetr_checkpoint: Path) -> None:
    """Asked with another threshold the same photographs are answered from what the network said before."""
    kept = Embeddings(1)
    detector = rfdetr.load(weights=rfdetr_checkpoint, device="cpu", max_batch=2, embeddings=kept)
    plain = rfdetr.load(weights=rfdetr_checkpoint, device="cpu", max_batch=2)
    images, keys = [photograph(seed) for seed in range(3)], ["a", "b", "c"]
    detector.detect(images, 0.9, keys)
    calls: list[int] = []
    network = detector._network
    detector._network = lambda pixels: calls.append(len(pixels)) or network(pixels)  # type: ignore[assignment]
    assert detector.detect(images, 0.1, keys) == plain.detect(images, 0.1)
    assert calls == []
    detector.detect([*images, photograph(9)], 0.1, [*keys, "d"])
    assert calls == [1]


def test_a_batch_that_does_not_fit_beside_what_is_kept_is_tried_without(sam_file: Path) -> None:
    """Where the encoder runs out of memory, earlier photographs go, and the batch is answered."""
    kept = Embeddings(16)
    segmenter = sam2.load(weights=sam_file, device="cpu", max_batch=2, embeddings=kept)
    boxes = [[Box(5, 5, 90, 80)]]
    segmenter.segment([photograph(0)], boxes, ["a"])

    def starve(*_: object) -> None:
        if kept.stats().entries:
            raise torch.OutOfMemoryError("CUDA out of memory")

    segmenter._network.mask_decoder.register_forward_pre_hook(starve)
    [[mask]] = segmenter.segment([photograph(1)], boxes, [""])
    assert mask.bitmap.shape == (75, 85)
    assert kept.stats().entries == 0
