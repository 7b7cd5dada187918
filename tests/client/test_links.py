"""Masks that were too large for the platform come back from the bucket, as if they had been in the answer."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from anomaly.client import Answer, AsyncClient, Failed, LinkBroken, Result
from anomaly.outbound import anywhere
from anomaly.service import Service
from anomaly.serving.handling import handler
from anomaly.serving.storing.shelf import Shelf
from anomaly.storage import Bucket, Target
from anomaly.types import Findings
from tests import buckets
from tests.client.conftest import QUICK
from tests.pictures import encoded, gradient
from tests.services import warm_service
from tests.serving.loops import working

pytestmark = pytest.mark.xdist_group("client")

PHOTO = encoded(gradient(640, 480), "JPEG")


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """Give a warm service."""
    service = warm_service()
    yield service
    service.close()


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    """Give a bucket on a real S3 server."""
    with buckets.served() as url:
        yield buckets.new_bucket(url)


def found(
    service: Service, target: Target, monkeypatch: pytest.MonkeyPatch, photos: int, most_bytes: int
) -> list[Findings]:
    """Return what a call, a job, its stream and a run find, where an answer may have `most_bytes`."""

    async def run() -> list[Result]:
        handle = handler(service, 0.3, most_bytes=most_bytes, shelf=Shelf(target, anywhere))
        async with (
            working(monkeypatch, speaking=lambda job, channel: handle(job, channel=channel)) as bench,
            AsyncClient(bench.sim.url, bench.sim.api_key, **QUICK) as client,
        ):
            results = [await client.detect(PHOTO, include_masks=True)] if photos == 1 else []
            results += await (await client.submit([PHOTO] * photos, include_masks=True)).results(20)
            streaming = await client.submit([PHOTO] * photos, include_masks=True, stream=True)
            results += [each async for each in streaming.stream()]
            results += (await client.map([PHOTO] * photos, include_masks=True)).results
        return results

    return [each.findings for each in asyncio.run(run()) if isinstance(each, Answer)]


@pytest.mark.parametrize(("photos", "most_bytes"), [(1, 2600), (2, 5000)])
def test_masks_come_from_the_bucket(
    service: Service, target: Target, monkeypatch: pytest.MonkeyPatch, photos: int, most_bytes: int
) -> None:
    """The findings are the same, masks and all, whether the answer had room for them or not."""
    before = len(list(Bucket(target).list()))
    small = found(service, target, monkeypatch, photos, most_bytes)
    stored = len(list(Bucket(target).list()))
    assert stored > before
    large = found(service, target, monkeypatch, photos, 10_000_000)
    assert len(list(Bucket(target).list())) == stored
    assert len(small) == len(large) == (4 if photos == 1 else 6)
    for one, other in zip(small, large, strict=True):
        assert [each.id for each in one.anomalies] == [each.id for each in other.anomalies]
        for here, there in zip(one.anomalies, other.anomalies, strict=True):
            assert here.mask is not None
            assert there.mask is not None
            assert here.geometry is not None
            assert here.mask.area == there.mask.area == here.geometry.area_pixels


def test_a_link_that_does_not_open_is_no_answer_without_masks(
    service: Service, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the masks are gone from the bucket the caller is told, and in a run that photo fails alone."""

    async def run() -> Result:
        handle = handler(service, 0.3, most_bytes=2600, shelf=Shelf(target, anywhere))

        async def forgetful(job: Any, channel: Any) -> Any:
            answer = await handle(job, channel=channel)
            bucket = Bucket(target)
            for each in bucket.list():
                bucket.delete(each.key)
            return answer

        async with (
            working(monkeypatch, speaking=forgetful) as bench,
            AsyncClient(bench.sim.url, bench.sim.api_key, **QUICK) as client,
        ):
            with pytest.raises(LinkBroken, match="not to be had"):
                await client.detect(PHOTO, include_masks=True)
            return (await client.map([PHOTO], include_masks=True)).results[0]

    result = asyncio.run(run())
    assert isinstance(result, Failed)
    assert (result.code, result.passing) == ("link_broken", True)
