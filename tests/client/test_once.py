"""A job that is handed in on a line that breaks."""

import asyncio

import httpx
import pytest

from anomaly.client import AsyncClient, CallFailed, Client
from anomaly.simulator import Simulator
from tests.client.conftest import QUICK
from tests.pictures import encoded, gradient

pytestmark = pytest.mark.xdist_group("client")

PHOTO = encoded(gradient(), "JPEG")
HOOK = "http://127.0.0.1:9/nobody"


class Breaking(httpx.AsyncBaseTransport):
    """A line that breaks after the server has taken the first `breaks` jobs. `ids` are those it gave them."""

    def __init__(self, breaks: int) -> None:
        self._inner, self._breaks = httpx.AsyncHTTPTransport(), breaks
        self.ids: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send it, and lose the answer."""
        response = await self._inner.handle_async_request(request)
        if request.url.path.endswith("/run"):
            await response.aread()
            self.ids.append(response.json()["id"])
            if len(self.ids) <= self._breaks:
                raise httpx.ReadError("the line broke")
        return response

    async def aclose(self) -> None:
        """Close what is open."""
        await self._inner.aclose()


@pytest.mark.parametrize("webhook", [None, HOOK])
def test_a_pod_makes_one_job_of_a_call_that_is_repeated(pod_url: str, webhook: str | None) -> None:
    """The client repeats what broke off, and the pod knows it again; so a webhook is called once."""
    line = Breaking(2)
    with Client(pod_url, transport=line, **QUICK) as client:
        job = client.submit(PHOTO, webhook=webhook)
        assert job.result(timeout_s=20).findings.anomalies
        assert len(line.ids) == 3
        assert set(line.ids) == {job.id}
        again = client.submit(PHOTO, webhook=webhook)
        assert again.id != job.id, "another call is another job"


def test_an_endpoint_is_not_asked_twice_for_a_job_that_calls(sim: Simulator) -> None:
    """RunPod's API knows no key: what it may have taken is repeated only where nobody is called twice."""

    async def told() -> tuple[int, int]:
        plain, calling = Breaking(1), Breaking(1)
        async with AsyncClient(sim.url, sim.api_key, transport=plain, **QUICK) as client:
            await (await client.submit(PHOTO)).cancel()
        async with AsyncClient(sim.url, sim.api_key, transport=calling, **QUICK) as client:
            with pytest.raises(CallFailed):
                await client.submit(PHOTO, webhook=HOOK)
        return len(set(plain.ids)), len(calling.ids)

    assert asyncio.run(told()) == (2, 1)
