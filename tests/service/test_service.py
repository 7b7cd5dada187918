import asyncio
import threading
import time
from collections.abc import Iterator, Sequence

import pytest

from anomaly.backends import fake
from anomaly.bootstrap import tables
from anomaly.errors import (
    AnomalyError,
    CorruptImage,
    DeadlineExceeded,
    InvalidBase64,
    NotReady,
    OutOfMemory,
    QueueFull,
    TooManyPixels,
)
from anomaly.imaging.photo import Photo
from anomaly.pipeline import Outcome, Pipeline
from anomaly.service import Loaded, Service
from anomaly.types import Detection, Findings, Image, Limits, Options, Tiles
from tests.pictures import encoded, gradient
from tests.services import warm_service

FILE = encoded(gradient(320, 240))


@pytest.fixture
def service() -> Iterator[Service]:
    """Give a warm service whose model takes 0.2 s for a batch, and in which two photographs may wait."""
    service = warm_service(fake_batch_ms=200, max_waiting=2, max_batch=1, max_pixels=100_000)
    yield service
    service.close()


def detect(service: Service, *sources: object, options: Options | None = None) -> list[Outcome]:
    """Ask for photographs and wait for the outcomes."""
    return asyncio.run(service.detect([Photo(source) for source in sources], options or Options()))


def test_each_photo_has_its_own_outcome(service: Service) -> None:
    """Bad photos fail alone, in their places, and the good one is answered."""
    outcomes = detect(service, "?", FILE, FILE[:100], encoded(gradient(400, 300)))
    kinds: list[type[AnomalyError] | type[Findings]] = [InvalidBase64, Findings, CorruptImage, TooManyPixels]
    assert [type(each.result) for each in outcomes] == kinds
    assert all(each.elapsed_ms > 0 for each in outcomes)


def test_what_does_not_fit_is_refused_whole(service: Service) -> None:
    """With a full queue a further request is refused at the door, with a time to try again."""

    async def crowd() -> list[object]:
        first = asyncio.create_task(service.detect([Photo(FILE)], Options()))
        await asyncio.sleep(0.1)  # it has the model now
        waiting = [asyncio.create_task(service.detect([Photo(FILE)], Options())) for _ in range(2)]
        await asyncio.sleep(0.05)
        late = await asyncio.gather(service.detect([Photo(FILE)], Options()), return_exceptions=True)
        return [*late, *await asyncio.gather(first, *waiting)]

    refused, *answered = asyncio.run(crowd())
    assert isinstance(refused, QueueFull)
    assert refused.retry_after_s is not None
    assert len(answered) == 3


def test_a_photo_in_tiles_waits_as_one(service: Service) -> None:
    """A photograph that is cut into more tiles than may wait is admitted, and all its tiles are seen."""
    [outcome] = detect(service, FILE, options=Options(tiling=Tiles(200, 0)))
    assert isinstance(outcome.result, Findings)
    assert outcome.result.tiles == 4


def test_who_leaves_takes_no_model_time(service: Service) -> None:
    """A request that is cancelled while it waits never reaches the model."""

    async def leave() -> None:
        first = asyncio.create_task(service.detect([Photo(FILE)], Options()))
        await asyncio.sleep(0.1)
        second = asyncio.create_task(service.detect([Photo(FILE)], Options()))
        await asyncio.sleep(0.05)
        second.cancel()
        await asyncio.gather(first, second, return_exceptions=True)

    before = service.info()["queue"]["items"]  # type: ignore[index]
    asyncio.run(leave())
    service.close()
    assert service.info()["queue"]["items"] == before + 1  # type: ignore[index]


def test_what_is_late_takes_no_model_time(service: Service) -> None:
    """A photograph whose time is over while it waits is answered then, and never reaches the model."""

    async def late() -> tuple[list[Outcome], bool]:
        first = asyncio.create_task(service.detect([Photo(FILE)], Options()))
        await asyncio.sleep(0.05)
        outcomes = await service.detect([Photo(FILE), Photo("?")], Options(timeout_ms=30))
        busy = not first.done()
        await first
        return outcomes, busy

    before = service.info()["queue"]["items"]  # type: ignore[index]
    outcomes, busy = asyncio.run(late())
    service.close()
    assert [type(each.result) for each in outcomes] == [DeadlineExceeded, InvalidBase64]
    assert busy  # the answer did not wait for the model
    assert service.info()["queue"]["items"] == before + 1  # type: ignore[index]


def test_the_time_counts_from_when_the_request_came(service: Service) -> None:
    """A request that waited elsewhere is late already."""
    came = time.monotonic() - 1
    [outcome] = asyncio.run(service.detect([Photo(FILE)], Options(timeout_ms=900), since=came))
    assert isinstance(outcome.result, DeadlineExceeded)


class Starved(fake.Fake):
    """A fake that fits two photographs at once, and remembers on which threads it was asked."""

    def __init__(self) -> None:
        super().__init__(0.0, 0.0, 3)
        self.threads: set[int] = set()

    def detect(
        self, images: Sequence[Image], threshold: float, keys: Sequence[str] = ()
    ) -> list[list[Detection]]:
        """Answer as the fake does, or run out of memory."""
        self.threads.add(threading.get_ident())
        if len(images) > 2:
            raise OutOfMemory("too many")
        return super().detect(images, threshold, keys)


def test_the_first_batches_find_out_what_fits() -> None:
    """Warming up tries the batches on the thread that will run them; what does not fit is never tried again."""
    model = Starved()

    def load() -> Loaded:
        pipeline = Pipeline(model, model, tables.taxonomy(), tables.standards())
        return Loaded(pipeline, 8, {}, dict, batches=(1, 2, 4, 8))

    service = Service(load, limits=Limits(), max_waiting=8, cpu_threads=1)
    service.start()
    service.wait()
    assert service.info()["queue"]["max_batch"] == 2  # type: ignore[index]
    outcomes = detect(service, *[FILE] * 5)
    assert all(isinstance(each.result, Findings) for each in outcomes)
    assert len(model.threads) == 1
    service.close()


def test_a_stopped_service_takes_nothing_more() -> None:
    """After the stop a request is refused, and stopping twice does no harm."""
    service = warm_service()
    service.close()
    service.close()
    with pytest.raises(NotReady, match="stopped"):
        detect(service, FILE)


def test_it_may_be_used_from_one_event_loop_after_another(service: Service) -> None:
    """Nothing is tied to the loop in which the service was first used."""
    for _ in range(2):
        [outcome] = detect(service, FILE)
        assert isinstance(outcome.result, Findings)
