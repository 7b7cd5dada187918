"""Every payload, good and bad, through both shells: the same JSON but for the times."""

import asyncio
import math
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from starlette.testclient import TestClient

from anomaly.service import Service
from anomaly.serving.handling import handler
from anomaly.serving.handling.results import Written
from anomaly.serving.pod import create_app
from tests.pictures import base64_of, encoded, gradient, png_header
from tests.services import warm_service

THRESHOLD = 0.3
PNG = base64_of(encoded(gradient(320, 240)))
JPEG = base64_of(encoded(gradient(320, 240), "JPEG"))

PAYLOADS: dict[str, Any] = {
    "png": {"image": PNG},
    "jpeg": {"image": JPEG},
    "data-uri": {"image": f"data:image/png;base64,{PNG}"},
    "other-name": {"image_base64": PNG},
    "options": {"image": PNG, "frame_id": "span-3/017", "confidence_threshold": 0.6},
    "threshold-0": {"image": PNG, "confidence_threshold": 0},
    "threshold-1": {"image": PNG, "confidence_threshold": 1},
    "masks-rle": {"image": PNG, "include_masks": True},
    "masks-polygon": {"image": PNG, "include_masks": True, "mask_format": "polygon"},
    "masks-png": {"image": PNG, "include_masks": True, "mask_format": "png"},
    "millimetres": {"image": PNG, "mm_per_pixel": 0.2, "standard": "EC2", "exposure": "XC3"},
    "camera": {"image": PNG, "camera": {"sensor_width_mm": 36, "focal_length_mm": 50, "distance_mm": 3000}},
    "camera-too-little": {"image": PNG, "camera": {"distance_mm": 3000}},
    "no-marker": {"image": PNG, "marker": {"dictionary": "DICT_4X4_50", "size_mm": 100}},
    "no-such-exposure": {"image": PNG, "mm_per_pixel": 0.2, "standard": "EC2", "exposure": "XX"},
    "tiles": {"image": PNG, "tiling": {"tile": 160, "overlap": 40}},
    "tiles-too-small": {"image": PNG, "tiling": {"tile": 3}},
    "centre-lines": {"image": PNG, "include_centre_lines": True},
    "one-pixel": {"image": base64_of(encoded(gradient(1, 1)))},
    "one-row": {"image": base64_of(encoded(gradient(200, 1)))},
    "grey": {"image": base64_of(encoded(mode="L"))},
    "cmyk": {"image": base64_of(encoded(form="JPEG", mode="CMYK"))},
    "palette": {"image": base64_of(encoded(mode="P"))},
    "alpha": {"image": base64_of(encoded(mode="RGBA"))},
    "webp": {"image": base64_of(encoded(form="WEBP"))},
    "no-image": {},
    "two-sources": {"image": PNG, "image_url": "https://example.com/a.jpg"},
    "url-of-loopback": {"image_url": "http://127.0.0.1:9/a.jpg"},
    "url-without-address": {"image_url": "https://no-such-name.invalid/a.jpg"},
    "url-of-a-file": {"image_url": "file:///etc/passwd"},
    "urls": {"image_urls": ["http://localhost/a.jpg", "http://169.254.169.254/latest"], "frame_ids": ["a"]},
    "urls-and-images": {"images": [PNG], "image_urls": ["https://example.com/a.jpg"]},
    "null-image": {"image": None},
    "number-image": {"image": 7},
    "not-base64": {"image": "this is no base64!"},
    "not-an-image": {"image": base64_of(b"hello, world")},
    "no-bytes": {"image": ""},
    "truncated": {"image": JPEG[: len(JPEG) // 2]},
    "too-many-pixels": {"image": base64_of(png_header(40_000, 30_000))},
    "too-many-bytes": {"image": base64_of(bytes(2_000_000))},
    "unknown-field": {"image": PNG, "confidense": 0.5},
    "threshold-above": {"image": PNG, "confidence_threshold": 1.01},
    "threshold-below": {"image": PNG, "confidence_threshold": -0.01},
    "threshold-text": {"image": PNG, "confidence_threshold": "0.5"},
    "threshold-null": {"image": PNG, "confidence_threshold": None},
    "masks-text": {"image": PNG, "include_masks": "true"},
    "mask-format": {"image": PNG, "mask_format": "bitmap"},
    "frame-id-number": {"image": PNG, "frame_id": 7},
    "timeout": {"image": PNG, "timeout_ms": 60_000},
    "timeout-none": {"image": PNG, "timeout_ms": None},
    "timeout-zero": {"image": PNG, "timeout_ms": 0},
    "timeout-fraction": {"image": PNG, "timeout_ms": 0.5},
    "timeout-text": {"image": PNG, "timeout_ms": "500"},
    "timeout-too-long": {"image": PNG, "timeout_ms": 600_001},
    "batch-timeout": {"images": [PNG, JPEG], "timeout_ms": 60_000},
    "list": [PNG],
    "text": "image",
    "null": None,
    "batch": {"images": [PNG, JPEG]},
    "batch-ids": {"images": [PNG, JPEG], "frame_ids": ["a", "b"], "include_masks": True},
    "batch-fewer-ids": {"images": [PNG, JPEG], "frame_ids": ["a"]},
    "batch-more-ids": {"images": [PNG], "frame_ids": ["a", "b"]},
    "batch-empty": {"images": []},
    "batch-null": {"images": None},
    "batch-text": {"images": PNG},
    "batch-one-bad": {"images": [PNG, "no base64!", 7, None, "", JPEG], "frame_ids": ["a", "b"]},
    "batch-all-bad": {"images": ["no base64!"]},
    "batch-too-many": {"images": [PNG] * 9},
    "both": {"image": PNG, "images": [PNG]},
}


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """Give one warm service for both shells."""
    service = warm_service(max_images=8, max_image_bytes=1_000_000)
    yield service
    service.close()


@pytest.fixture(scope="module")
def pod(service: Service) -> TestClient:
    """Give a client of the pod's application."""
    return TestClient(create_app(service, THRESHOLD))


def through_pod(pod: TestClient, payload: Any) -> Any:
    """Post a payload as JSON to the door it belongs to."""
    door = (
        "/detect/batch"
        if isinstance(payload, dict) and ("images" in payload or "image_urls" in payload)
        else "/detect"
    )
    response = pod.post(door, content=orjson.dumps(payload), headers={"content-type": "application/json"})
    answer = response.json()
    assert (response.status_code == 200) is ("error" not in answer)
    return timeless(answer)


def through_worker(service: Service, payload: Any) -> Any:
    """Give a payload to the worker's handler as a job's input, and read the error's text."""
    result = asyncio.run(handler(service, THRESHOLD)({"id": "job", "input": payload}))
    answer = orjson.loads(result.json if isinstance(result, Written) else orjson.dumps(result))
    if "error" in answer:
        assert isinstance(answer["error"], str)
        return orjson.loads(answer["error"])
    return timeless(answer)


def timeless(answer: Any) -> Any:
    """Leave out what a clock decides."""
    if isinstance(answer, dict):
        return {key: timeless(value) for key, value in answer.items() if key != "processing_time_ms"}
    return [timeless(each) for each in answer] if isinstance(answer, list) else answer


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS.keys())
def test_both_shells_give_the_same_answer(service: Service, pod: TestClient, payload: Any) -> None:
    """A payload gets the same answer, or the same error, from the pod and from the worker."""
    assert through_pod(pod, payload) == through_worker(service, payload)


@pytest.fixture(scope="module")
def slow() -> Iterator[Service]:
    """Give a warm service whose models take 0.4 s for a photograph."""
    service = warm_service(fake_image_ms=400, max_batch=1)
    yield service
    service.close()


@pytest.mark.parametrize(
    "payload", [{"image": PNG, "timeout_ms": 50}, {"images": [PNG, JPEG], "timeout_ms": 50}]
)
def test_what_cannot_be_in_time_says_so_at_both_shells(slow: Service, payload: Any) -> None:
    """An answer that is not there in time is an error with its code, in a batch for each photograph."""
    pod = TestClient(create_app(slow, THRESHOLD))
    answer = through_pod(pod, payload)
    assert answer == through_worker(slow, payload)
    failed = answer["results"] if ("images" in payload or "image_urls" in payload) else [answer]
    assert {each["error"]["code"] for each in failed} == {"deadline_exceeded"}


def test_every_door_of_the_pod_keeps_the_time(slow: Service) -> None:
    """JSON, a picture as the body and a form are refused alike, with 504, when the time is over."""
    pod, data = TestClient(create_app(slow, THRESHOLD)), encoded(gradient(320, 240))
    answers = [
        pod.post("/detect", json={"image": PNG, "timeout_ms": 50}),
        pod.post("/detect?timeout_ms=50", content=data, headers={"content-type": "image/png"}),
        pod.post("/detect/upload", files={"file": data}, data={"timeout_ms": "50"}),
    ]
    assert [each.status_code for each in answers] == [504] * 3
    assert {each.json()["error"]["code"] for each in answers} == {"deadline_exceeded"}


def test_what_json_cannot_say_is_refused_by_the_worker_too(service: Service, pod: TestClient) -> None:
    """A threshold that is not a number has the same code at both doors, though only one can even receive it."""
    worker = through_worker(service, {"image": PNG, "confidence_threshold": math.nan})
    body = b'{"image": "' + PNG.encode() + b'", "confidence_threshold": NaN}'
    response = pod.post("/detect", content=body)
    assert worker["error"]["code"] == response.json()["error"]["code"] == "invalid_request"


def test_every_door_of_the_pod_gives_the_same_answer(pod: TestClient) -> None:
    """Base64, the picture as the body, a form and a batch of one answer alike."""
    data = encoded(gradient(320, 240))
    as_json = timeless(pod.post("/detect", json={"image": PNG, "include_masks": True}).json())
    as_body = pod.post(
        "/detect?include_masks=true", content=data, headers={"content-type": "image/png"}
    ).json()
    as_form = pod.post("/detect/upload", files={"file": data}, data={"include_masks": "true"}).json()
    as_batch = pod.post("/detect/batch", json={"images": [PNG], "include_masks": True}).json()["results"][0]
    assert as_json["anomaly_count"] > 0
    assert as_json == timeless(as_body) == timeless(as_form) == timeless(as_batch)
