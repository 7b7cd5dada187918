"""What is done with one job."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import orjson
import pytest

from anomaly.errors import AnomalyError, InvalidBase64, OutOfMemory
from anomaly.service import Service
from anomaly.serving.handling import handler
from anomaly.serving.handling.results import Written
from anomaly.serving.worker.startup import _fitting, plain
from tests.pictures import base64_of, encoded, gradient
from tests.services import warm_service

PHOTO = base64_of(encoded(gradient(640, 480)))


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """Give a warm service whose queue holds few photographs."""
    service = warm_service(max_waiting=2, max_batch=1, fake_batch_ms=20)
    yield service
    service.close()


def run(service: Service, *inputs: dict[str, Any], **options: Any) -> list[Any]:
    """Answer jobs together, each as it is read by its caller."""

    async def together() -> list[Any]:
        handle = handler(service, 0.3, **options)
        return await asyncio.gather(*(handle({"id": "job", "input": each}) for each in inputs))

    return [
        orjson.loads(each.json if isinstance(each, Written) else each["error"])
        for each in asyncio.run(together())
    ]


def test_a_full_queue_makes_a_job_wait_and_does_not_fail_it(service: Service) -> None:
    """A job that was taken cannot be sent elsewhere: it is answered when there is room."""
    answers = run(service, *({"image": PHOTO, "frame_id": str(number)} for number in range(8)))
    assert [each.get("frame_id") for each in answers] == [str(number) for number in range(8)]


def test_a_job_that_waits_for_room_keeps_its_time() -> None:
    """The time that a job waits for the queue counts: it fails when that is over, and not before."""
    service = warm_service(max_waiting=1, max_batch=1, fake_batch_ms=300)
    answers = run(service, *[{"image": PHOTO}] * 3, {"image": PHOTO, "timeout_ms": 100})
    service.close()
    assert [each.get("error", {}).get("code") for each in answers] == [None, None, None, "deadline_exceeded"]


def test_jobs_in_flight_share_batches() -> None:
    """What waits while the models are busy is seen together, whichever jobs it came with."""
    service = warm_service(max_batch=8, fake_batch_ms=50)
    run(service, *[{"image": PHOTO}] * 8)
    queue = service.info()["queue"]
    service.close()
    assert isinstance(queue, dict)
    assert queue["items"] == 8
    assert queue["batches"] < 8


def test_masks_that_are_too_large_come_as_rle(service: Service) -> None:
    """Asked for as PNG, they come in the form that fits."""
    asked = {"image": PHOTO, "include_masks": True, "mask_format": "png"}
    [as_asked] = run(service, asked)
    [as_rle] = run(service, {**asked, "mask_format": "rle"})
    sizes = [len(orjson.dumps(each)) for each in (as_asked, as_rle)]
    assert sizes[1] < sizes[0]
    [fitted] = run(service, asked, most_bytes=sizes[0])
    assert fitted["anomalies"] == as_rle["anomalies"]


def test_an_answer_over_the_limit_is_a_failure_with_its_code(service: Service) -> None:
    """Where no form fits, the caller reads why."""
    [failure] = run(service, {"images": [PHOTO, PHOTO], "include_masks": True}, most_bytes=300)
    assert failure["error"]["code"] == "answer_too_large"


def test_the_ends_of_photographs_are_told(service: Service) -> None:
    """Of a batch, one entry each: None for an answer, the error for a failure."""
    ended: list[Sequence[AnomalyError | None]] = []
    run(service, {"images": [PHOTO, "?"]}, ended=ended.append)
    [[first, second]] = ended
    assert first is None
    assert isinstance(second, InvalidBase64)
    assert not isinstance(second, OutOfMemory)


def test_the_sdks_own_loop_gets_what_it_can_write(service: Service) -> None:
    """Where the SDK's loop runs, an answer is a dictionary."""
    answer = asyncio.run(_plainly(service, {"image": PHOTO, "frame_id": "a"}))
    assert isinstance(answer, dict)
    assert answer["frame_id"] == "a"


def test_without_a_stream_channel_a_stream_is_its_list(service: Service) -> None:
    """Under the SDK's own loop nothing can be streamed; the job's output is what it would be all the same."""
    answer = asyncio.run(_plainly(service, {"images": [PHOTO, "?"], "stream": True}))
    assert isinstance(answer, list)
    assert [each["index"] for each in answer] == [0, 1]
    assert answer[1]["error"]["code"] == "invalid_base64"


async def _plainly(service: Service, input_: dict[str, Any]) -> object:
    return await plain(handler(service, 0.3))({"id": "job", "input": input_})


def test_the_slots_fill_two_batches_within_the_queue() -> None:
    """Concurrency follows the largest batch of the models, up to what may wait for them."""
    for max_batch, max_waiting, slots in ((1, 64, 2), (4, 64, 8), (32, 40, 40)):
        service = warm_service(max_batch=max_batch, max_waiting=max_waiting)
        assert _fitting(service) == slots
        service.close()
