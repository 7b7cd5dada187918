"""Many photographs: in chunks, in order, through faults, and on from where a run stopped."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from anomaly.client import (
    AsyncClient,
    CallFailed,
    CallRefused,
    Client,
    Failed,
    JournalMismatch,
    Pace,
    Patience,
    Sizes,
)
from anomaly.client.answers import Answer, Result
from anomaly.simulator import Drop, Fault, FaultPlan, Late, Refuse, Simulator
from tests.client.conftest import QUICK, shelf
from tests.pictures import encoded, gradient
from tests.serving.loops import working

pytestmark = pytest.mark.xdist_group("client")


def widths(results: "list[Result] | tuple[Result, ...]") -> list[int]:
    """Return the width of each photograph as it was answered: 64, 65, ... where all are there in order."""
    return [each.findings.width if isinstance(each, Answer) else 0 for each in results]


def test_one_result_for_each_in_order(either: Client, photos: list[Path]) -> None:
    """The survey has the photographs' order, whatever order they were answered in, and their names."""
    survey = either.map(photos)
    assert widths(survey.results) == list(range(64, 74))
    assert [each.photo for each in survey.answers] == list(map(str, photos))
    assert survey.json["image_count"] == 10
    assert survey.json["error_count"] == 0


def test_a_bad_photo_fails_alone(either: Client, photos: list[Path]) -> None:
    """What is no picture, and what is no file, has its code in its place, and the others are answered."""
    photos[3].write_bytes(b"no picture")
    photos[5].unlink()
    survey = either.map([*photos, gradient(80, 48)])
    assert [(each.photo, each.code) for each in survey.failures] == [
        (str(photos[3]), "unsupported_image"),
        (str(photos[5]), "photo_unreadable"),
    ]
    assert len(survey.answers) == 9
    assert widths(survey.results)[-1] == 80
    assert survey.json["error_count"] == 2
    assert survey.json["results"][3]["error"]["code"] == "unsupported_image"


def test_photos_may_be_urls(pod: Client, photos: list[Path]) -> None:
    """The server fetches them; one that is not there fails alone, and names show no signature."""
    with shelf(photos[0].parent) as url:
        survey = pod.map([f"{url}/0.jpg?signature=secret", photos[1], f"{url}/none.jpg"])
        assert pod.detect(f"{url}/0.jpg").findings.width == 64
        [first, second] = pod.submit([f"{url}/0.jpg", f"{url}/1.jpg"]).results(20)
    assert widths([first, second]) == [64, 65]
    assert widths(survey.results) == [64, 65, 0]
    assert survey.results[0].photo == f"{url}/0.jpg"
    assert [each.code for each in survey.failures] == ["url_failed"]


def test_a_survey_is_a_table_and_a_data_set(pod: Client, photos: list[Path]) -> None:
    """Its CSV has a line for each defect, its COCO data set an image for each photograph with its masks."""
    survey = pod.map(photos[:2], include_masks=True)
    assert len(survey.csv().splitlines()) == 1 + survey.anomaly_count
    document = survey.coco()
    assert [each["file_name"] for each in document["images"]] == list(map(str, photos[:2]))
    assert len(document["annotations"]) == survey.anomaly_count
    assert all(each["segmentation"]["counts"] for each in document["annotations"])


def test_chunks_keep_within_the_payload_limit(sim: Simulator, photos: list[Path]) -> None:
    """No job is larger than allowed, in bytes and in photographs, and few jobs are used."""
    size = max(path.stat().st_size for path in photos)
    three = Sizes(job_bytes=3 * (size * 4 // 3 + 8) + 300)
    with Client(sim.url, sim.api_key, sizes=three, **QUICK) as client:
        assert widths(client.map(photos).results) == list(range(64, 74))
    jobs = len(sim.calls.of("run"))
    assert jobs == 4
    with Client(sim.url, sim.api_key, sizes=Sizes(photos=5), **QUICK) as client:
        assert widths(client.map(photos).results) == list(range(64, 74))
    assert len(sim.calls.of("run")) == jobs + 2


def test_no_more_is_under_way_than_allowed(photos: list[Path]) -> None:
    """With two in flight the third job is handed in when one of them has ended."""

    async def run(sim: Simulator) -> int:
        async with AsyncClient(sim.url, sim.api_key, sizes=Sizes(photos=1), **QUICK) as client:
            mapping = asyncio.create_task(client.map(photos, in_flight=2))
            await asyncio.sleep(0.5)
            under_way = len(sim.queue.jobs())
            mapping.cancel()
            await asyncio.gather(mapping, return_exceptions=True)
            return under_way

    with Simulator() as sim:
        assert asyncio.run(run(sim)) == 2
        assert {str(job.state) for job in sim.queue.jobs()} == {"CANCELLED"}


def test_a_job_is_not_forgotten_while_it_is_handed_in(photos: list[Path]) -> None:
    """A run that is broken off before the server has answered hears of the job all the same, and cancels it."""

    async def run(sim: Simulator) -> None:
        async with AsyncClient(sim.url, sim.api_key, **QUICK) as client:
            mapping = asyncio.create_task(client.map(photos))
            while not sim.queue.jobs():
                await asyncio.sleep(0.01)
            mapping.cancel()
            await asyncio.gather(mapping, return_exceptions=True)

    with Simulator(faults=FaultPlan({("run", 1): Late(0.5)})) as sim:
        asyncio.run(run(sim))
        assert [str(job.state) for job in sim.queue.jobs()] == ["CANCELLED"]


def test_leaving_in_the_middle_ends_the_run(photos: list[Path]) -> None:
    """An exception among the results closes the client in order, and cancels what is under way."""
    photos[0].unlink()

    def broken_off(sim: Simulator) -> None:
        with Client(sim.url, sim.api_key, **QUICK) as client:
            for each in client.imap(photos):
                sim.wait_until(lambda: bool(sim.queue.jobs()))
                raise RuntimeError(each.photo)

    with Simulator() as sim:
        with pytest.raises(RuntimeError, match=r"0\.jpg"):
            broken_off(sim)
        assert {str(job.state) for job in sim.queue.jobs()} == {"CANCELLED"}


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


# The journal


def test_a_journal_keeps_what_is_done(
    sim: Simulator, endpoint: Client, photos: list[Path], tmp_path: Path
) -> None:
    """Another run with the same journal sends only what is new, and its result is whole."""
    journal = tmp_path / "run.jsonl"
    first = endpoint.map(photos[:6], journal=journal)
    sent = len(sim.calls.of("run"))
    again = endpoint.map(photos[:6], journal=journal)
    assert len(sim.calls.of("run")) == sent
    assert again.json == first.json
    whole = endpoint.map(photos, journal=journal)
    assert widths(whole.results) == list(range(64, 74))
    assert len(sim.calls.of("run")) == sent + 1


def test_a_run_goes_on_after_a_crash(sim: Simulator, photos: list[Path], tmp_path: Path) -> None:
    """What a first run had answered is not asked again; a line that broke off is."""
    journal = tmp_path / "run.jsonl"
    with Client(sim.url, sim.api_key, sizes=Sizes(photos=2), **QUICK) as client:
        run = client.imap(photos, journal=journal, in_flight=1)
        for _ in range(4):
            next(run)
        run.close()
        with journal.open("rb+") as file:
            file.truncate(file.seek(0, 2) - 20)
        told: list[tuple[int, int]] = []
        results = list(client.imap(photos, journal=journal, told=lambda *each: told.append(each)))
    assert widths(results) == list(range(64, 74))
    assert told[0][0] >= 3
    assert told[-1] == (10, 10)


def test_a_job_of_a_run_that_crashed_is_asked_after(
    sim: Simulator, photos: list[Path], tmp_path: Path
) -> None:
    """A job that was handed in before the crash is not handed in again: its result is fetched."""
    journal = tmp_path / "run.jsonl"
    with Client(sim.url, sim.api_key, **QUICK) as client:
        client.map(photos[:3], journal=journal)
        lines = journal.read_bytes().splitlines(keepends=True)
        kept = [line for line in lines if "key" not in orjson.loads(line)]
        assert len(kept) == len(lines) - 3
        journal.write_bytes(b"".join(kept))
        sent = len(sim.calls.of("run"))
        assert widths(client.map(photos[:3], journal=journal).results) == [64, 65, 66]
    assert len(sim.calls.of("run")) == sent


def test_a_photo_that_has_changed_is_sent_again(pod: Client, photos: list[Path], tmp_path: Path) -> None:
    """A file is known by its size and time too, so that a new photograph under an old name is looked at."""
    journal = tmp_path / "run.jsonl"
    pod.map(photos[:1], journal=journal)
    photos[0].write_bytes(encoded(gradient(200, 48), "JPEG"))
    assert widths(pod.map(photos[:1], journal=journal).results) == [200]


def test_a_failure_of_the_platform_is_tried_again_by_the_next_run(photos: list[Path], tmp_path: Path) -> None:
    """What a photograph is not to blame for is not written down as its result."""
    journal = tmp_path / "run.jsonl"
    with Simulator() as sim, Client(sim.url, sim.api_key, **QUICK) as client:

        def give_up() -> None:
            for count in (1, 2):
                sim.wait_until(lambda count=count: len(sim.calls.of("run")) == count)  # type: ignore[misc]
                sim.advance(86_400)

        thread = threading.Thread(target=give_up)
        thread.start()
        [result] = client.imap(photos[:1], journal=journal)
        thread.join()
        assert isinstance(result, Failed)
        assert result.code in ("job_timed_out", "job_lost")
    assert b'"key"' not in journal.read_bytes()


def test_a_journal_of_other_options_is_refused(pod: Client, photos: list[Path], tmp_path: Path) -> None:
    """Results of different options are not mixed, and what is no journal is not written over."""
    journal = tmp_path / "run.jsonl"
    pod.map(photos[:1], journal=journal, confidence_threshold=0.5)
    with pytest.raises(JournalMismatch, match=r'options \{"confidence_threshold":0.5\}'):
        pod.map(photos[:1], journal=journal)
    other = tmp_path / "notes.txt"
    other.write_text("buy milk\n")
    with pytest.raises(JournalMismatch, match="is no journal"):
        pod.map(photos[:1], journal=other)
    assert other.read_text() == "buy milk\n"


def test_two_runs_do_not_share_a_journal(pod: Client, photos: list[Path], tmp_path: Path) -> None:
    """The second is told that the file is in use."""
    run = pod.imap(photos, journal=tmp_path / "run.jsonl")
    next(run)
    with pytest.raises(JournalMismatch, match="in use"):
        pod.map(photos, journal=tmp_path / "run.jsonl")
    run.close()


def test_pace_and_patience_are_bounded() -> None:
    """Waits grow to their limit and no further, spread by a quarter to either side."""
    waits = Pace(0.1, 1.0).waits()
    taken = [next(waits) for _ in range(30)]
    assert max(taken) <= 1.25
    assert 0.075 <= taken[0] <= 0.125
    assert min(taken[10:]) >= 0.75
