"""Telling who asked for it that a job has ended."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import orjson

from anomaly import webhooks
from anomaly.errors import AnomalyError, UrlRefused
from anomaly.jobs.job import Job
from anomaly.jobs.store import Store
from anomaly.outbound import Permits, client

log = logging.getLogger(__name__)

WAITS_S = (10.0, 60.0, 300.0, 1800.0, 7200.0)
"""After each try that failed, so long until the next; after the last one it is given up."""

TIMEOUT_S = 15.0

_GONE = 410
"""The receiver wants no more (RFC 9110)."""


class Postman:
    """Posts each ended job, as `/status` answers it, to its webhook until it is taken with a 2xx.

    Signed where there is a `secret`. What is due is kept in the store, so a restart forgets none.
    """

    def __init__(self, permits: Permits, secret: str | None) -> None:
        self._permits, self._secret = permits, secret
        self._news = asyncio.Event()

    def look(self) -> None:
        """Say that a job has ended."""
        self._news.set()

    async def run(self, kept: Callable[..., Awaitable[Any]], store: Store) -> None:
        """Deliver what is due, for as long as the server runs; `kept` runs the store's functions."""
        async with client(self._permits, TIMEOUT_S) as http:
            while True:
                self._news.clear()
                due = await kept(store.due_webhook, time.time())
                if due is None:
                    await self._next(await kept(store.next_webhook_at))
                    continue
                job, url, tries = due
                again = not await self._delivered(http, job, url)
                next_at = time.time() + WAITS_S[tries] if again and tries < len(WAITS_S) else None
                if again and next_at is None:
                    log.error("job %s: its webhook was given up after %d tries", job.id, tries + 1)
                await kept(store.webhook_tried, job.id, next_at)

    async def _next(self, at: float | None) -> None:
        try:
            async with asyncio.timeout(None if at is None else max(at - time.time(), 0)):
                await self._news.wait()
        except TimeoutError:
            pass

    async def _delivered(self, http: httpx.AsyncClient, job: Job, url: str) -> bool:
        """Post once; True where no further try makes sense."""
        body = orjson.dumps(job.view())
        headers = {"Content-Type": "application/json"}
        if self._secret is not None:
            headers[webhooks.HEADER] = webhooks.sign(body, self._secret)
        try:
            async with asyncio.timeout(TIMEOUT_S):
                # A redirect would turn the post into a get: it counts as refused.
                answer = await http.post(url, content=body, headers=headers, follow_redirects=False)
        except UrlRefused as error:
            log.error("job %s: its webhook is not told: %s", job.id, error)
            return True
        except (AnomalyError, httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            log.warning("job %s: its webhook did not answer (%s)", job.id, type(error).__name__)
            return False
        if not answer.is_success:
            log.warning("job %s: its webhook answered %d", job.id, answer.status_code)
        return answer.is_success or answer.status_code == _GONE
