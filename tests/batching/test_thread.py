"""What else the one thread does: what is run first, and errands between batches."""

import threading
from collections.abc import Sequence
from concurrent.futures import Future

import pytest

from anomaly.batching import Batcher
from anomaly.errors import NotReady, OutOfMemory
from tests.batching.doubling import Model, results


def test_what_is_run_first_is_run_where_the_batches_are(model: Model) -> None:
    """It comes before every batch, on their thread, and says how large they may be."""
    threads: list[int] = []

    def first() -> int:
        threads.append(threading.get_ident())
        return 2

    def run(items: Sequence[int]) -> list[int]:
        threads.append(threading.get_ident())
        return model.run(items)

    batcher = Batcher(run, max_batch=4, max_waiting=8)
    batcher.begin(first)
    assert results(batcher.submit([1, 2, 3])) == [2, 4, 6]
    assert max(map(len, model.batches)) == 2
    assert len({*threads}) == 1
    assert threads[0] != threading.get_ident()
    batcher.close()


def test_what_fails_first_is_told_and_nothing_is_taken(model: Model) -> None:
    """Where the first work fails its error comes out, and later submissions are refused."""

    def first() -> int:
        raise OutOfMemory("not even one")

    batcher = Batcher(model.run, max_batch=4, max_waiting=8)
    with pytest.raises(OutOfMemory):
        batcher.begin(first)
    with pytest.raises(NotReady):
        batcher.submit([1])
    batcher.close()


def test_an_errand_runs_on_the_thread_before_what_it_submits(
    model: Model, batcher: "Batcher[int, int]"
) -> None:
    """What is lent to the thread may submit, and its thread is the models' own."""
    seen: list[str] = []
    futures: list[Future[int]] = []
    done = threading.Event()

    def errand() -> None:
        seen.append(threading.current_thread().name)
        futures.extend(batcher.submit([3]))
        done.set()

    batcher.lend(errand)
    assert done.wait(10)
    assert seen == ["model"]
    assert results(futures) == [6]


def test_an_errand_that_fails_leaves_the_thread_at_work(batcher: "Batcher[int, int]") -> None:
    """The next batch runs as if nothing had been."""

    def errand() -> None:
        raise ZeroDivisionError

    batcher.lend(errand)
    assert results(batcher.submit([1])) == [2]


def test_errands_lent_before_the_end_are_run_and_none_after(
    model: Model, batcher: "Batcher[int, int]"
) -> None:
    """Closing finishes what was taken; then the thread is lent to nobody."""
    seen: list[int] = []
    first = model.hold(batcher)
    batcher.lend(lambda: seen.append(1))
    closing = threading.Thread(target=batcher.close)
    closing.start()
    model.free.set()
    closing.join(10)
    assert first.result(timeout=10) == 0
    assert seen == [1]
    with pytest.raises(NotReady, match="stopping"):
        batcher.lend(lambda: seen.append(2))
