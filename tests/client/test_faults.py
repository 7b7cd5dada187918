"""Many photographs through faults on the way."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from anomaly.client import AsyncClient, CallFailed, CallRefused, Client, Patience, Sizes
from anomaly.client.answers import Answer, Result
from anomaly.simulator import Drop, Fault, FaultPlan, Late, Refuse, Simulator
from tests.client.conftest import QUICK
from tests.client.many import widths
from tests.pictures import encoded
from tests.serving.loops import working

pytestmark = pytest.mark.xdist_group("client")

FAULTS: list[dict[tuple[str, int], Fault]] = [
    {("run", 1): Refuse(429, retry_after_s=1), ("status", 1): Refuse(500), ("status", 2): Drop()},
    {("run", 1): Drop(), ("run", 2): Refuse(503), ("status", 1): Refuse(429), ("status", 3): Refuse(502)},
    {("run", 1): Drop(after=True), ("status", 1): Refuse(404), ("status", 2): Late(0.2)},
]


@pytest.mark.parametrize("script", FAULTS)
def test_faults_on_the_way_are_got_over(
    sim: Simulator, endpoint: Client, photos: list[Path], script: dict[tuple[str, int], Fault]
) -> None:
    """429, 5xx, broken connections and a 404 from a platform that has not noticed yet cost time only."""
    sim.use(FaultPlan(script))
    assert widths(endpoint.map(photos).results) == list(range(64, 74))


def test_retry_after_is_honoured(sim: Simulator, endpoint: Client) -> None:
    """The second try comes no earlier than the server asked for."""
    sim.use(FaultPlan({("runsync", 1): Refuse(429, retry_after_s=1)}))
    endpoint.detect(encoded())
    first, second = sim.calls.of("runsync")
    assert second.began_at - first.began_at >= 1.0


def test_a_job_with_a_webhook_is_not_handed_in_twice(sim: Simulator, endpoint: Client) -> None:
    """Where the connection broke after the request, the server may have the job: the caller is told."""
    sim.use(FaultPlan({("run", 1): Drop(after=True), ("run", 2): Refuse(429)}))
    with pytest.raises(CallFailed):
        endpoint.submit(encoded(), webhook="http://127.0.0.1:9/")
    endpoint.submit(encoded(), webhook="http://127.0.0.1:9/").result(20)
    assert len(sim.calls.of("run")) == 3


def test_many_photos_through_many_faults(sim: Simulator, photos: list[Path]) -> None:
    """With a fault on every third call forty jobs end in forty right answers."""
    menu = (Refuse(429), Refuse(500), Refuse(503, after=True), Drop(), Drop(after=True), Late(0.05))
    sim.use(FaultPlan(rates={"run": 0.33, "status": 0.33}, menu=menu, seed=5))
    with Client(sim.url, sim.api_key, sizes=Sizes(photos=1), **QUICK) as client:
        survey = client.map(photos * 4, in_flight=8)
    assert widths(survey.results) == list(range(64, 74)) * 4


def test_what_no_other_photo_would_change_ends_the_run(sim: Simulator, photos: list[Path]) -> None:
    """A wrong key and a server that is not there raise, and do not fail every photograph."""
    with Client(sim.url, "wrong", **QUICK) as client, pytest.raises(CallRefused, match="unauthorized"):
        client.map(photos)
    quick = Patience(tries=2, first_s=0.01)
    with Client("http://127.0.0.1:9", patience=quick) as client, pytest.raises(CallFailed):
        client.map(photos)


def test_a_photo_at_which_connections_break_does_not_end_the_run(photos: list[Path]) -> None:
    """A server that answers the others is there: that photo is a failure which the next run tries again."""

    async def server(scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while (message := await receive()).get("more_body"):
            body += message["body"]
        body += message["body"]
        poison = body == photos[2].read_bytes()
        answer = b'{"frame_id": "a", "anomalies": []}'
        await send({"type": "http.response.start", "status": 502 if poison else 200, "headers": []})
        await send({"type": "http.response.body", "body": answer})

    few = Patience(tries=2, first_s=0.01)
    with Client("http://pod", transport=httpx.ASGITransport(server), patience=few) as client:
        survey = client.map(photos, in_flight=1)
    assert [(each.photo, each.code, each.passing) for each in survey.failures] == [
        (str(photos[2]), "call_failed", True)
    ]
    assert len(survey.answers) == 9


def test_an_answer_that_is_too_large_is_asked_for_in_parts(
    photos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job that answers too much, or nothing, is halved until its photographs fail alone."""

    async def handle(job: dict[str, object]) -> object:
        asked = job["input"]
        assert isinstance(asked, dict)
        count = len(asked.get("images", [0]))
        if count > 2:
            return {"error": '{"error": {"code": "answer_too_large", "message": "too much at once"}}'}
        if "images" in asked:
            return {"results": [{"frame_id": image[-9:], "anomalies": []} for image in asked["images"]]}
        return {"frame_id": asked["image"][-9:], "anomalies": []}

    async def run() -> list[Result]:
        async with (
            working(monkeypatch, handle, concurrency=4) as bench,
            AsyncClient(bench.sim.url, bench.sim.api_key, **QUICK) as client,
        ):
            return [each async for each in client.imap(photos)]

    results = asyncio.run(run())
    assert all(isinstance(each, Answer) for each in results)
    assert len(results) == 10
