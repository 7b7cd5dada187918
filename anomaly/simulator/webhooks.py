"""Tells a client's webhook how its job ended: one POST, and two more tries where it does not answer 2xx."""

import asyncio
import urllib.error
import urllib.request
from dataclasses import dataclass

from anomaly.simulator.limits import Limits


@dataclass(frozen=True, slots=True)
class Delivery:
    """One try (1..3). `status` is the receiver's answer, None where there was none."""

    url: str
    attempt: int
    status: int | None


class Webhooks:
    """Deliveries under way and done. Receivers are reached directly, never through a proxy."""

    def __init__(self, limits: Limits) -> None:
        self._delays_s = limits.webhook_delays_s
        self._timeout_s = limits.webhook_timeout_s
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self._tasks: set[asyncio.Task[None]] = set()
        self.deliveries: list[Delivery] = []

    def send(self, url: str, body: bytes) -> None:
        """Start to deliver `body` (JSON) to `url` (http or https)."""
        task = asyncio.get_running_loop().create_task(self._deliver(url, body))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Give up what is under way."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _deliver(self, url: str, body: bytes) -> None:
        for attempt, delay_s in enumerate((0.0, *self._delays_s), start=1):
            await asyncio.sleep(delay_s)
            status = await asyncio.to_thread(self._post, url, body)
            self.deliveries.append(Delivery(url, attempt, status))
            if status is not None and 200 <= status < 300:
                return

    def _post(self, url: str, body: bytes) -> int | None:
        request = urllib.request.Request(  # noqa: S310 - submission.parse lets http and https pass only
            url, body, {"Content-Type": "application/json"}, method="POST"
        )
        try:
            with self._opener.open(request, timeout=self._timeout_s) as response:
                return int(response.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code
        except OSError:
            return None
