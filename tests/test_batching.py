import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError, Future

import pytest

from anomaly.batching import Batcher
from anomaly.errors import (
    DeadlineExceeded,
    DeviceLost,
    InternalError,
    ModelError,
    NotReady,
    OutOfMemory,
    QueueFull,
)


class Model:
    """Doubles numbers, records its batches, and can be held, starved of memory or poisoned."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.free = threading.Event()
        self.free.set()
        self.entered = threading.Event()
        self.most = 1000
        self.poison: int | None = None

    def run(self, items: Sequence[int]) -> list[int]:
        """Answer a batch as its state says."""
        self.batches.append(list(items))
        self.entered.set()
        assert self.free.wait(10)
        if len(items) > self.most:
            raise OutOfMemory("too many")
        if self.poison in items:
            raise ZeroDivisionError("a secret detail")
        return [2 * item for item in items]

    def hold(self, batcher: "Batcher[int, int]") -> "Future[int]":
        """Occupy the thread with one item until `free` is set."""
        self.free.clear()
        self.entered.clear()
        [future] = batcher.submit([0])
        assert self.entered.wait(10)
        return future


@pytest.fixture
def model() -> Model:
    """Give a model that works."""
    return Model()


@pytest.fixture
def batcher(model: Model) -> Iterator["Batcher[int, int]"]:
    """Give a queue of 8 in front of it, with batches of 4."""
    batcher = Batcher(model.run, max_batch=4, max_waiting=8)
    yield batcher
    model.free.set()
    batcher.close()


def results(futures: "Sequence[Future[int]]") -> list[int]:
    """Wait for every result."""
    return [future.result(timeout=10) for future in futures]


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
