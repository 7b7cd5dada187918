"""Who is admitted, in what order, and who gives up."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import CancelledError

import pytest

from anomaly.batching import Batcher
from anomaly.errors import DeadlineExceeded, NotReady, QueueFull
from tests.batching.doubling import Model, results


def test_results_come_back_in_order(batcher: "Batcher[int, int]") -> None:
    """Each item gets its own result."""
    assert results(batcher.submit([1, 2, 3])) == [2, 4, 6]


def test_what_waits_is_taken_together_up_to_the_largest_batch(
    batcher: "Batcher[int, int]", model: Model
) -> None:
    """While the thread is busy requests pile up, and then run in batches as large as allowed."""
    held = model.hold(batcher)
    futures = [future for item in range(1, 7) for future in batcher.submit([item])]
    model.free.set()
    assert results([held, *futures]) == [0, 2, 4, 6, 8, 10, 12]
    assert model.batches == [[0], [1, 2, 3, 4], [5, 6]]


def test_a_full_queue_admits_whole_or_refuses_whole(batcher: "Batcher[int, int]", model: Model) -> None:
    """A request that does not fit entirely is refused entirely, with a time to try again."""
    model.hold(batcher)
    kept = batcher.submit(range(6))
    with pytest.raises(QueueFull, match="6 photos wait") as refused:
        batcher.submit([1, 2, 3])
    assert refused.value.retry_after_s is not None
    assert refused.value.retry_after_s >= 1
    assert batcher.stats().waiting == 6
    kept += batcher.submit([7, 8])
    model.free.set()
    assert len(results(kept)) == 8


def test_a_request_larger_than_the_queue_passes_when_nothing_waits(batcher: "Batcher[int, int]") -> None:
    """A large batch is not refused for ever: alone it is admitted."""
    assert results(batcher.submit(range(20))) == [2 * item for item in range(20)]


def test_retry_after_follows_the_measured_rate(model: Model) -> None:
    """The time to try again is what the queue will take at the rate measured so far."""

    def slow(items: Sequence[int]) -> list[int]:
        time.sleep(0.25 * len(items))
        return model.run(items)

    batcher = Batcher(slow, max_batch=1, max_waiting=8)
    results(batcher.submit([1]))
    futures = batcher.submit(range(8))
    with pytest.raises(QueueFull) as refused:
        batcher.submit([9])
    for future in futures:
        future.cancel()
    batcher.close()
    assert refused.value.retry_after_s is not None
    assert 2 <= refused.value.retry_after_s <= 4


def test_a_cancelled_item_takes_no_model_time(batcher: "Batcher[int, int]", model: Model) -> None:
    """What its caller gave up before its turn never reaches the model."""
    model.hold(batcher)
    first, second = batcher.submit([1, 2])
    assert first.cancel()
    model.free.set()
    assert second.result(timeout=10) == 4
    assert model.batches == [[0], [2]]
    with pytest.raises(CancelledError):
        first.result()


def test_who_gives_up_frees_its_place_at_once(batcher: "Batcher[int, int]", model: Model) -> None:
    """Nobody is refused because of places that were given up, and the count comes out even."""
    held = model.hold(batcher)
    for future in batcher.submit(range(8)):
        future.cancel()
    assert batcher.stats().waiting == 0
    kept = batcher.submit(range(8))
    assert batcher.stats().waiting == 8
    model.free.set()
    assert len(results([held, *kept])) == 9
    assert batcher.stats().waiting == 0


def test_an_item_past_its_deadline_is_dropped(batcher: "Batcher[int, int]", model: Model) -> None:
    """What can no longer be in time fails with its own code and does not run."""
    model.hold(batcher)
    [late] = batcher.submit([1], deadline=time.monotonic())
    [timely] = batcher.submit([2], deadline=time.monotonic() + 60)
    model.free.set()
    with pytest.raises(DeadlineExceeded):
        late.result(timeout=10)
    assert timely.result(timeout=10) == 4
    assert [1] not in model.batches


def test_closing_finishes_what_waits_and_takes_nothing_more(
    batcher: "Batcher[int, int]", model: Model
) -> None:
    """A stop loses nothing: what was admitted is answered, what comes later is refused."""
    held = model.hold(batcher)
    futures = batcher.submit([1, 2])
    closing = threading.Thread(target=batcher.close)
    closing.start()
    model.free.set()
    closing.join(10)
    assert results([held, *futures]) == [0, 2, 4]
    with pytest.raises(NotReady):
        batcher.submit([3])


def test_counts_what_it_did(batcher: "Batcher[int, int]") -> None:
    """The statistics hold the number of batches and items, and a rate."""
    assert batcher.stats().items_per_s is None
    results(batcher.submit([1, 2, 3, 4, 5]))
    batcher.close()
    stats = batcher.stats()
    assert (stats.batches, stats.items, stats.waiting) == (2, 5, 0)
    assert stats.items_per_s is not None


def test_many_threads_may_submit(model: Model) -> None:
    """A hundred callers at once each get their own answers."""
    batcher = Batcher(model.run, max_batch=8, max_waiting=1000)
    answers: dict[int, list[int]] = {}

    def call(number: int) -> None:
        answers[number] = results(batcher.submit([number, number + 1000]))

    threads = [threading.Thread(target=call, args=(number,)) for number in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    batcher.close()
    assert answers == {number: [2 * number, 2 * (number + 1000)] for number in range(100)}
