"""Photographs over the endpoint's limit: by a link in a bucket, as a smaller JPEG, or not at all."""

import asyncio
from collections.abc import Iterator

import numpy as np
import pytest

from anomaly.client import Answer, AsyncClient, Failed, PhotoTooLarge, Sizes
from anomaly.service import Service
from anomaly.serving.handling.handler import handler
from anomaly.storage import Bucket
from tests import buckets
from tests.client.conftest import QUICK
from tests.pictures import encoded
from tests.services import warm_service
from tests.serving.loops import working

pytestmark = pytest.mark.xdist_group("client")

NOISE = np.random.default_rng(3).integers(0, 256, (200, 300, 3), np.uint8)
LARGE = encoded(NOISE, "JPEG", quality=100)
SMALL = Sizes(job_bytes=len(LARGE) // 2, sync_bytes=len(LARGE))


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """Run a service that fetches from anywhere."""
    service = warm_service(allow_private_urls=True)
    yield service
    service.close()


@pytest.fixture(scope="module")
def bucket() -> Iterator[Bucket]:
    """Give a bucket on a real S3 server."""
    with buckets.served() as url:
        yield Bucket(buckets.new_bucket(url))


def test_a_large_photo_goes_by_the_bucket(
    service: Service, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is stored once under its content, the job has its signed link, and the answer is that of its bytes."""

    async def run() -> list[object]:
        async with (
            working(monkeypatch, handler(service, 0.3), concurrency=2) as bench,
            AsyncClient(bench.sim.url, bench.sim.api_key, sizes=SMALL, bucket=bucket, **QUICK) as client,
        ):
            job = await client.submit(LARGE)
            one = await client.detect(LARGE)
            survey = await client.map([encoded(), LARGE])
            return [await job.result(20), one, *survey.results]

    by_job, by_call, _, in_map = asyncio.run(run())
    assert isinstance(by_job, Answer)
    assert isinstance(by_call, Answer)
    assert isinstance(in_map, Answer)
    assert by_job.findings == by_call.findings == in_map.findings
    [stored] = list(bucket.list())
    assert stored.size_bytes == len(LARGE)


def test_a_large_photo_is_made_smaller_where_that_is_allowed(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With `reencode` it comes as a JPEG of as many pixels, so that what is measured is right."""

    async def run() -> object:
        async with (
            working(monkeypatch, handler(service, 0.3), concurrency=2) as bench,
            AsyncClient(bench.sim.url, bench.sim.api_key, sizes=SMALL, reencode=True, **QUICK) as client,
        ):
            answer = await client.detect(LARGE)
            [taken] = bench.sim.queue.jobs()
            return answer.json["image_size"], len(taken.submission.input["image"])

    size, sent = asyncio.run(run())  # type: ignore[misc]
    assert size == {"width": 300, "height": 200}
    assert sent <= SMALL.sync_bytes


def test_without_either_it_is_refused_here(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence has the size, the limit, and both ways out; in a run it fails alone."""

    async def run() -> object:
        async with (
            working(monkeypatch, handler(service, 0.3)) as bench,
            AsyncClient(bench.sim.url, bench.sim.api_key, sizes=SMALL, **QUICK) as client,
        ):
            with pytest.raises(PhotoTooLarge, match=r"bucket.*reencode=True"):
                await client.detect(LARGE)
            with pytest.raises(PhotoTooLarge, match="`map` cuts them"):
                await client.submit([encoded(NOISE[:60])] * 9)
            return (await client.map([LARGE, encoded()])).results

    large, small = asyncio.run(run())  # type: ignore[misc]
    assert isinstance(large, Failed)
    assert large.code == "photo_too_large"
    assert isinstance(small, Answer)
