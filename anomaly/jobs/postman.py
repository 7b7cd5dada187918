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
from anomaly.jobs.store import Due, Store
from anomaly.outbound import Permits, client

log = logging.getLogger(__name__)

WAITS_S = (10.0, 60.0, 300.0, 1800.0, 7200.0)
"""After each try that failed, so long until the next; after the last one it is given up."""

TIMEOUT_S = 15.0

AT_ONCE = 16
"""Webhooks on their way at the same time: one that hangs holds up none of the others."""

TROUBLE_S = 5.0
"""So long until the next try where the store itself fails."""

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
        async with client(self._permits, TIMEOUT_S) as http, asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._rounds(http, kept, store))

    async def _rounds(
        self, http: httpx.AsyncClient, kept: Callable[..., Awaitable[Any]], store: Store
    ) -> None:
        while True:
            try:
                await self._round(http, kept, store)
            except Exception:  # a full disk, say: the next webhook's turn must still come
                log.exception("telling webhooks failed")
                await asyncio.sleep(TROUBLE_S)

    async def _round(
        self, http: httpx.AsyncClient, kept: Callable[..., Awaitable[Any]], store: Store
    ) -> None:
        self._news.clear()
        due: Due | None = await kept(store.due_webhook, time.time())
        if due is None:
            await self._next(await kept(store.next_webhook_at))
            return
        self._news.set()  # there may be more, and the others sleep
        done = await self._delivered(http, due.job, due.url)
        next_at = time.time() + WAITS_S[due.tries - 1] if not done and due.tries <= len(WAITS_S) else None
        if not done and next_at is None:
            log.error("job %s: its webhook was given up after %d tries", due.job.id, due.tries)
        await kept(store.webhook_tried, due, next_at)

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
            # Of the answer only its head is read. A redirect would turn the post into a get: it counts as refused.
            sending = http.stream("POST", url, content=body, headers=headers, follow_redirects=False)
            async with asyncio.timeout(TIMEOUT_S), sending as answer:
                pass
        except UrlRefused as error:
            log.error("job %s: its webhook is not told: %s", job.id, error)
            return True
        except (httpx.InvalidURL, UnicodeError) as error:
            log.error("job %s: its webhook is no address (%s)", job.id, type(error).__name__)
            return True
        except (AnomalyError, httpx.HTTPError, TimeoutError) as error:
            log.warning("job %s: its webhook did not answer (%s)", job.id, type(error).__name__)
            return False
        if not answer.is_success:
            log.warning("job %s: its webhook answered %d", job.id, answer.status_code)
        return answer.is_success or answer.status_code == _GONE
