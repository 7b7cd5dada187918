"""What becomes of a batch that fails: split, halved, or given up with its device."""

from collections.abc import Sequence

import pytest

from anomaly.batching import Batcher
from anomaly.errors import DeviceLost, InternalError, ModelError, OutOfMemory
from tests.batching.doubling import Model, results


def test_a_poisoned_item_fails_alone(batcher: "Batcher[int, int]", model: Model) -> None:
    """The batch is split until the one bad item fails, with a message that gives nothing away."""
    model.poison = 3
    held = model.hold(batcher)
    futures = batcher.submit([1, 2, 3, 4])
    model.free.set()
    assert results([held, futures[0], futures[1], futures[3]]) == [0, 2, 4, 8]
    with pytest.raises(ModelError) as failed:
        futures[2].result(timeout=10)
    assert "secret" not in str(failed.value)


def test_out_of_memory_halves_the_batch_and_is_remembered(batcher: "Batcher[int, int]", model: Model) -> None:
    """After a batch that did not fit, all later ones are smaller, and every item is answered."""
    model.most = 2
    held = model.hold(batcher)
    futures = batcher.submit([1, 2, 3, 4])
    model.free.set()
    assert results([held, *futures]) == [0, 2, 4, 6, 8]
    assert batcher.stats().max_batch == 2
    model.batches.clear()
    results(batcher.submit([5, 6, 7, 8]))
    assert max(map(len, model.batches)) == 2


def test_one_item_that_never_fits_fails_as_out_of_memory(batcher: "Batcher[int, int]", model: Model) -> None:
    """A photograph that does not fit alone says so."""
    model.most = 0
    [future] = batcher.submit([1])
    with pytest.raises(OutOfMemory):
        future.result(timeout=10)


def test_a_lost_device_fails_everything_at_once(model: Model) -> None:
    """What runs, what waits and what comes later fails with the same code, and the model is asked no more."""

    def lost(items: Sequence[int]) -> list[int]:
        model.run(items)
        raise DeviceLost("the card answers no more")

    batcher = Batcher(lost, max_batch=4, max_waiting=8)
    held = model.hold(batcher)
    waiting = batcher.submit(range(1, 7))
    assert batcher.lost is None
    model.free.set()
    for future in (held, *waiting):
        with pytest.raises(DeviceLost, match="answers no more"):
            future.result(timeout=10)
    with pytest.raises(DeviceLost):
        batcher.submit([7])
    assert isinstance(batcher.lost, DeviceLost)
    assert model.batches == [[0]]
    batcher.close()


def test_a_model_that_answers_too_few_fails(model: Model) -> None:
    """A result list of the wrong length is a failure, never a mix-up."""
    batcher: Batcher[int, int] = Batcher(lambda items: [], max_batch=4, max_waiting=8)
    [future] = batcher.submit([1])
    with pytest.raises(ModelError, match="answered 0 of 1"):
        future.result(timeout=10)
    batcher.close()


def test_an_error_with_a_code_keeps_it(model: Model) -> None:
    """A failure that already has a code reaches the caller as it is."""

    def broken(items: Sequence[int]) -> list[int]:
        raise InternalError("ours")

    batcher = Batcher(broken, max_batch=4, max_waiting=8)
    [future] = batcher.submit([1])
    with pytest.raises(InternalError, match="ours"):
        future.result(timeout=10)
    batcher.close()
