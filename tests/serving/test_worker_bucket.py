"""The last rung of the ladder: masks and pictures go to a bucket, on a real S3 server, links in their place."""

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx2
import orjson
import pytest

from anomaly.outbound import anywhere
from anomaly.service import Service
from anomaly.serving.handling import handler
from anomaly.serving.handling.channel import Channel
from anomaly.serving.handling.results import Written
from anomaly.serving.storing.shelf import Shelf
from anomaly.serving.storing.stowing import stow
from anomaly.storage import Bucket, Target
from tests import buckets
from tests.pictures import base64_of, encoded, gradient
from tests.services import warm_service

PHOTO = base64_of(encoded(gradient(640, 480)))
ASKED = {"image": PHOTO, "frame_id": "a", "include_masks": True, "mask_format": "png"}


@pytest.fixture(scope="module")
def endpoint_url() -> Iterator[str]:
    """Give the URL of an S3 server."""
    with buckets.served() as url:
        yield url


@pytest.fixture
def target(endpoint_url: str) -> Target:
    """Give an empty bucket there."""
    return buckets.new_bucket(endpoint_url)


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """Give a warm service."""
    service = warm_service()
    yield service
    service.close()


def config(target: Target) -> dict[str, str]:
    """Return a target as a job carries it."""
    return {
        "endpointUrl": target.endpoint_url,
        "accessId": target.access_key_id,
        "accessSecret": target.secret_access_key,
        "bucketName": target.bucket,
    }


def answered(
    service: Service,
    input_: dict[str, Any],
    most_bytes: int,
    s3_config: Any = None,
    shelf: Shelf | None = None,
    channel: Channel | None = None,
) -> Any:
    """Answer a job, as its caller reads it."""
    job = {"id": "job-1", "input": input_} | ({} if s3_config is None else {"s3Config": s3_config})
    handle = handler(service, 0.3, most_bytes=most_bytes, shelf=shelf or Shelf(None, anywhere))
    answer = asyncio.run(handle(job, channel=channel))
    return orjson.loads(answer.json if isinstance(answer, Written) else str(answer["error"]))


def fetched(url: str) -> Any:
    """Get a JSON object without any key."""
    with httpx2.Client(trust_env=False) as client:
        answer = client.get(url).raise_for_status()
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


def sizes(service: Service, input_: dict[str, Any]) -> tuple[int, int]:
    """Return the bytes of an answer with its masks as RLE, and without them."""
    with_rle = answered(service, {**input_, "mask_format": "rle"}, 10**7)
    without = answered(service, {**input_, "include_masks": False}, 10**7)
    return len(orjson.dumps(with_rle)), len(orjson.dumps(without))


def test_masks_go_to_the_jobs_own_bucket(service: Service, target: Target) -> None:
    """What is too large even as RLE is read through a signed link, in the format that was asked for."""
    whole = answered(service, ASKED, 10**7)
    linked = answered(service, ASKED, sizes(service, ASKED)[1] + 600, config(target))
    masks = {each["anomaly_id"]: each.pop("mask") for each in whole["anomalies"]}
    assert len(masks) == 3
    assert fetched(linked.pop("masks_url")) == masks
    assert linked | {"processing_time_ms": 0} == whole | {"processing_time_ms": 0}
    assert [each.key for each in Bucket(target).list()] == ["job-1/0/masks.json"]


def test_an_answer_that_fits_touches_no_bucket(service: Service, target: Target) -> None:
    """As RLE it fits: the bucket stays empty."""
    fitted = answered(service, ASKED, 10**7, config(target))
    assert "masks_url" not in fitted
    assert list(Bucket(target).list()) == []


def test_each_photo_of_a_batch_has_its_own_object(service: Service, target: Target) -> None:
    """A link stands in each slot that has masks, and none in one that failed."""
    asked = {"images": [PHOTO, "?", PHOTO], "include_masks": True, "mask_format": "polygon"}
    linked = answered(service, asked, sizes(service, asked)[1] + 1200, config(target))
    assert [("masks_url" in each, "error" in each) for each in linked["results"]] == [
        (True, False),
        (False, True),
        (True, False),
    ]
    assert [each.key for each in Bucket(target).list()] == ["job-1/0/masks.json", "job-1/2/masks.json"]
    assert len(fetched(linked["results"][2]["masks_url"])) == 3


def test_the_operators_bucket_serves_jobs_without_one(service: Service, target: Target) -> None:
    """Below its prefix; a job's own goes before it."""
    mine = replace(target, prefix="results/")
    linked = answered(service, ASKED, sizes(service, ASKED)[1] + 600, shelf=Shelf(mine))
    assert len(fetched(linked["masks_url"])) == 3
    assert [each.key for each in Bucket(target).list()] == ["results/job-1/0/masks.json"]
    assert [each.key for each in Bucket(mine).list()] == ["job-1/0/masks.json"]


def test_a_stream_links_to_the_bucket_too(service: Service, target: Target) -> None:
    """A chunk and the list of all have links of their own."""
    chunks: list[Any] = []

    async def post(body: bytes) -> bool:
        chunks.append(orjson.loads(body)["output"])
        return True

    asked = {**ASKED, "stream": True}
    limit = sizes(service, ASKED)[1] + 600
    [aggregate] = answered(service, asked, limit, config(target), channel=Channel(chunks=post))
    [chunk] = chunks
    assert chunk["index"] == aggregate["index"] == 0
    assert fetched(chunk["masks_url"]) == fetched(aggregate["masks_url"])


def test_what_is_too_large_without_its_masks_is_an_error(service: Service, target: Target) -> None:
    """Links do not help where the rest alone is over the limit."""
    failure = answered(service, ASKED, 400, config(target))
    assert failure["error"]["code"] == "answer_too_large"
    assert "without its masks" in failure["error"]["message"]


def test_a_bucket_that_is_not_there_fails_the_job_with_its_code(service: Service, target: Target) -> None:
    """The caller reads what is wrong with the bucket, and no part of the key."""
    limit = sizes(service, ASKED)[1] + 600
    failure = answered(service, ASKED, limit, config(replace(target, bucket="nowhere")))
    assert failure["error"]["code"] == "storage_missing"
    assert buckets.SECRET not in str(failure)


@pytest.mark.parametrize(
    ("s3_config", "message"),
    [
        ({"endpointUrl": "https://s3.example"}, "s3Config.accessId is missing"),
        ({"accessSecret": buckets.SECRET}, "s3Config.endpointUrl is missing"),
        (["a"], "s3Config must be an object"),
    ],
)
def test_half_an_s3_config_fails_the_job_before_any_work(
    service: Service, s3_config: Any, message: str
) -> None:
    """Even where the answer would have fitted: the next one may not."""
    failure = answered(service, ASKED, 10**7, s3_config)
    assert failure["error"]["code"] == "invalid_request"
    assert message in failure["error"]["message"]
    assert buckets.SECRET not in str(failure)


def test_a_strangers_bucket_at_a_private_address_is_refused(service: Service, target: Target) -> None:
    """A caller does not lead the worker to the machines beside it; the operator's own bucket may be there."""
    limit = sizes(service, ASKED)[1] + 600
    failure = answered(service, ASKED, limit, config(target), shelf=Shelf(target))
    assert failure["error"]["code"] == "url_refused"
    assert "masks_url" in answered(service, ASKED, limit, shelf=Shelf(target))


def test_an_empty_s3_config_is_none(service: Service, target: Target) -> None:
    """Clients that always send the field do not have to fill it."""
    limit = sizes(service, ASKED)[1] + 600
    assert "masks_url" in answered(service, ASKED, limit, {}, shelf=Shelf(target))


def test_no_key_is_logged_or_answered(
    service: Service, target: Target, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither a success nor a failure shows the secret anywhere."""
    limit = sizes(service, ASKED)[1] + 600
    with caplog.at_level(logging.DEBUG):
        answers = [
            answered(service, ASKED, limit, config(target)),
            answered(service, ASKED, limit, config(replace(target, bucket="nowhere"))),
            answered(service, ASKED, limit, {**config(target), "endpointUrl": "nothing"}),
        ]
    assert buckets.SECRET not in caplog.text
    assert target.access_key_id not in caplog.text
    assert buckets.SECRET not in str(answers)


def test_pictures_become_files_with_links(target: Target) -> None:
    """Each picture is an object of its kind, and its link stands under its name."""
    pictures = {"annotated": encoded(gradient(8, 8), "JPEG"), "mask": encoded(gradient(8, 8))}
    answer = {"frame_id": "a", "debug_images": {name: base64_of(data) for name, data in pictures.items()}}
    stowed = stow(answer, Bucket(target), "job")
    assert stowed.keys() == {"frame_id", "debug_image_urls"}
    with httpx2.Client(trust_env=False) as client:
        got = {name: client.get(url) for name, url in stowed["debug_image_urls"].items()}
    assert {name: each.content for name, each in got.items()} == pictures
    kinds = {name: each.headers["content-type"] for name, each in got.items()}
    assert kinds == {"annotated": "image/jpeg", "mask": "image/png"}
    assert [each.key for each in Bucket(target).list()] == ["job/0/annotated.jpg", "job/0/mask.png"]


@pytest.mark.parametrize("batch", [False, True])
def test_reports_become_files_with_links(target: Target, batch: bool) -> None:
    """Where they stood, of one photograph or of a whole batch, stand their links; their number stays."""
    reports = {"csv_data": "id,name\n1,crack\n", "num_findings": 1, "coco": {"images": []}}
    answer: dict[str, Any] = (
        {"results": [{"frame_id": "a"}], **reports} if batch else {"frame_id": "a", **reports}
    )
    stowed = stow(answer, Bucket(target), "job")
    assert stowed.keys() - {"frame_id", "results"} == {"csv_url", "coco_url", "num_findings"}
    assert fetched(stowed["coco_url"]) == {"images": []}
    with httpx2.Client(trust_env=False) as client:
        csv = client.get(stowed["csv_url"])
    assert (csv.text, csv.headers["content-type"]) == (reports["csv_data"], "text/csv; charset=utf-8")
    keys = ["job/coco.json", "job/findings.csv"] if batch else ["job/0/coco.json", "job/0/findings.csv"]
    assert [each.key for each in Bucket(target).list()] == keys
