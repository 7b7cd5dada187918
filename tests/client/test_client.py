"""One API for a pod and for an endpoint, held against both as they run."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from anomaly.client import AsyncClient, CallFailed, CallRefused, Client, JobFailed, Patience, PhotoUnreadable
from anomaly.errors import InvalidRequest
from anomaly.keys import Keyring
from anomaly.serving.pod import Access, create_app
from anomaly.simulator import Simulator
from tests.client.conftest import QUICK
from tests.listener import on_uvicorn
from tests.pictures import encoded, gradient
from tests.services import warm_service

pytestmark = pytest.mark.xdist_group("client")

PHOTO = encoded(gradient(96, 64), "JPEG")


def test_a_photo_may_come_in_any_form(either: Client, tmp_path: Path) -> None:
    """A path, its text, bytes and pixels are all photographs, and the answer says which it was."""
    path = tmp_path / "pier.jpg"
    path.write_bytes(PHOTO)
    answers = [either.detect(each) for each in (path, str(path), PHOTO)]
    assert len({answer.frame_id for answer in answers}) == 1
    assert [answer.photo for answer in answers] == [str(path), str(path), "photo 1"]
    pixels = either.detect(gradient(96, 64))
    assert pixels.json["image_size"] == {"width": 96, "height": 64}
    assert either.detect(gradient(96, 64)[:, :, 0]).findings.width == 96


def test_the_answer_is_typed(either: Client) -> None:
    """Findings come as the server's own values, in pixels and in millimetres, masks as bitmaps."""
    answer = either.detect(
        PHOTO,
        frame_id="pier-3",
        include_masks=True,
        include_centre_lines=True,
        mm_per_pixel=0.5,
        standard="EC2",
        exposure="XC2",
        tiling={"tile": 64, "overlap": 16},
        confidence_threshold=0.1,
    )
    assert answer.frame_id == "pier-3"
    assert len(answer.anomalies) == len(answer.json["anomalies"]) > 0
    for found, told in zip(answer.anomalies, answer.json["anomalies"], strict=True):
        assert found.box.x_max == told["bbox"]["x_max"]
        assert found.combined_score == pytest.approx(told["confidence"]["combined"], abs=1e-4)
        assert found.mask is not None
        assert found.geometry is not None
        assert found.physical is not None
        assert found.mask.area == found.geometry.area_pixels
        assert found.physical.area_mm2 == told["geometry"]["area_mm2"]
        assert found.physical.width_class is not None
        assert found.physical.width_class.standard == "EC2"


def test_pod_and_endpoint_answer_the_same(pod: Client, endpoint: Client) -> None:
    """The findings do not depend on the way the photograph took."""
    assert pod.detect(PHOTO).findings == endpoint.detect(PHOTO).findings


def test_an_option_that_nobody_knows_is_refused_before_anything_is_sent(
    endpoint: Client, sim: Simulator
) -> None:
    """A slip of the pen costs no upload."""
    with pytest.raises(InvalidRequest, match="confidense is not a field"):
        endpoint.detect(PHOTO, confidense=0.5)
    with pytest.raises(InvalidRequest, match="confidense is not a field"):
        endpoint.map([PHOTO], confidense=0.5)
    assert not sim.calls.of("run") + sim.calls.of("runsync")


def test_a_photo_that_cannot_be_looked_at_raises_the_servers_code(either: Client) -> None:
    """The error has the code of the server's error tree, whichever way it came."""
    with pytest.raises((CallRefused, JobFailed), match="not a picture") as raised:
        either.detect(b"no picture at all")
    assert raised.value.code == "unsupported_image"


def test_a_file_that_is_not_there_is_told_apart(pod: Client) -> None:
    """What cannot be read here is no matter of the server's."""
    with pytest.raises(PhotoUnreadable, match="No such file"):
        pod.detect("nowhere.jpg")
    with pytest.raises(PhotoUnreadable, match="float64"):
        pod.detect(np.zeros((4, 4)))


def test_a_wrong_key_is_refused_at_once(sim: Simulator) -> None:
    """401 is not tried again."""
    with (
        Client(sim.url, "wrong", **QUICK) as client,
        pytest.raises(CallRefused, match="unauthorized") as raised,
    ):
        client.detect(PHOTO)
    assert raised.value.status == 401


def test_a_server_that_is_not_there_is_said_so() -> None:
    """After its tries the call fails with the address in its sentence."""
    client = Client("http://127.0.0.1:9", patience=Patience(tries=2, first_s=0.01))
    with client, pytest.raises(CallFailed, match=r"127\.0\.0\.1:9/detect got no answer"):
        client.detect(PHOTO)


def test_health_is_told_by_both(either: Client) -> None:
    """A pod tells its state, an endpoint its jobs and workers."""
    health = either.health()
    assert health.get("status") == "ready" or "workers" in health


def test_a_closed_client_says_so(pod_url: str) -> None:
    """After `close` a call raises, and closing again does nothing."""
    client = Client(pod_url)
    assert client.info()["status"] == "ready"
    client.close()
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        client.health()


async def _awaited(url: str, key: str | None) -> list[str]:
    async with AsyncClient(url, key, **QUICK) as client:
        answer = await client.detect(PHOTO, frame_id="one")
        survey = await client.map([PHOTO, b"no picture"])
        return [answer.frame_id, *(type(each).__name__ for each in survey.results)]


def test_the_awaiting_client_does_the_same(pod_url: str, sim: Simulator) -> None:
    """`AsyncClient` has the same methods with the same answers, at a pod and at an endpoint."""
    assert asyncio.run(_awaited(pod_url, None)) == ["one", "Answer", "Failed"]
    assert asyncio.run(_awaited(sim.url, sim.api_key)) == ["one", "Answer", "Failed"]


def test_a_pod_without_jobs_says_what_works() -> None:
    """Where a pod takes no jobs the caller hears what it does take."""
    service = warm_service()
    with on_uvicorn(create_app(service, 0.3)) as url, Client(url, **QUICK) as client:
        assert client.detect(PHOTO).anomalies
        with pytest.raises(CallRefused, match="takes no jobs; `detect` and `map` work") as raised:
            client.submit(PHOTO)
    assert raised.value.code == "no_jobs"


def test_a_pod_with_keys_opens_to_them() -> None:
    """The key that the client is given is the pod's, and without it the refusal has its code."""
    service = warm_service()
    access = Access.read(Keyring.read("the-first-of-the-keys,the-second-of-the-keys"), None, None)
    with on_uvicorn(create_app(service, 0.3, access)) as url:
        with Client(url, "the-second-of-the-keys", **QUICK) as client:
            assert client.detect(PHOTO).anomalies
        with Client(url, **QUICK) as client, pytest.raises(CallRefused) as raised:
            client.map([PHOTO])
    assert (raised.value.status, raised.value.code) == (401, "unauthorized")


def test_a_rate_limit_is_kept() -> None:
    """A pod that lets in two calls a second gets its photos all the same, as fast as it allows."""
    service = warm_service()
    app = create_app(service, 0.3, Access.read(None, "2/second", None))
    with on_uvicorn(app) as url, Client(url, **QUICK) as client:
        survey = client.map([PHOTO] * 5, in_flight=5)
    assert len(survey.answers) == 5


def test_something_else_than_our_server_is_said_so() -> None:
    """An address at which something else answers is told apart, whether it speaks JSON or not."""

    async def other(scope: Any, receive: Any, send: Any) -> None:
        text = b"<html>" if scope["path"] == "/health" else b'{"hello": "world"}'
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": text})

    here = httpx.ASGITransport(other)
    with Client("http://other", transport=here, **QUICK) as client:
        with pytest.raises(CallRefused, match="answered no JSON"):
            client.health()
        with pytest.raises(CallRefused, match="something else than findings"):
            client.detect(PHOTO)
        with pytest.raises(CallRefused, match="does not say how a job is"):
            client.submit(PHOTO)
