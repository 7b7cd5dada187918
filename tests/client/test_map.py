"""Many photographs: in chunks, in order, never more at once than allowed."""

import asyncio
from pathlib import Path

import pytest

from anomaly.client import AsyncClient, Client, Pace, Sizes
from anomaly.simulator import FaultPlan, Late, Simulator
from tests.client.conftest import QUICK, shelf
from tests.client.many import widths
from tests.pictures import gradient

pytestmark = pytest.mark.xdist_group("client")


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


def test_pace_and_patience_are_bounded() -> None:
    """Waits grow to their limit and no further, spread by a quarter to either side."""
    waits = Pace(0.1, 1.0).waits()
    taken = [next(waits) for _ in range(30)]
    assert max(taken) <= 1.25
    assert 0.075 <= taken[0] <= 0.125
    assert min(taken[10:]) >= 0.75
