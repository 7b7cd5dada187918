"""Bringing a result to the platform: tried again until it is taken, or until there is no more point in it."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from anomaly.serving.worker.backoff import Backoff

log = logging.getLogger(__name__)

BUDGET_S = 300.0
"""For all tries together. Meanwhile the heartbeat names the job, so that the platform does not give it away."""

TRY_S, BYTES_PER_S = 30.0, 250_000
"""One try may take so long, and a second more for so many bytes."""

REFUSALS = 3
"""A refusal that speaks of the request itself is believed when it has come so often."""

ATTEMPT_S = 5.0
"""Progress is tried once and for so long: the result waits for it."""

_LATER = frozenset({408, 425, 429})
_NO_SUCH_JOB = frozenset({404, 410})
_NOT_LIKE_THIS = frozenset({400, 413, 422})


@dataclass(frozen=True, slots=True)
class Door:
    """Where something of a job is posted: an aiohttp session, and the URL with `$ID` for the job's id.

    `streamed` says with a result that its parts were streamed before, as the SDK does.
    """

    session: Any
    url: str
    streamed: bool = False

    async def post(self, job_id: str, body: bytes) -> tuple[int, float]:
        """Post once; return the status and the wait in seconds that `Retry-After` asks for, 0 without one."""
        # JSON as a form: what the SDK sends, and so what the platform is known to read.
        headers = {
            "charset": "utf-8",
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Request-ID": job_id,
        }
        url = self.url.replace("$ID", job_id) + f"&isStream={str(self.streamed).lower()}"
        async with self.session.post(url, data=body, headers=headers) as response:
            await response.read()
            return response.status, _seconds(response.headers)


async def attempt(door: Door, job_id: str, body: bytes) -> bool:
    """Post once what may get lost; return whether it arrived."""
    try:
        async with asyncio.timeout(ATTEMPT_S):
            status, _ = await door.post(job_id, body)
    except Exception as error:
        log.info("job %s: its progress could not be told (%s)", job_id, type(error).__name__)
        return False
    return 200 <= status < 300


async def deliver(
    door: Door,
    job_id: str,
    body: bytes,
    instead: bytes,
    budget_s: float = BUDGET_S,
    *,
    what: str = "its result",
) -> bool:
    """Post a job's result until the platform has it; return whether it has. `what` names it in the log.

    Tried again, within `budget_s`: broken connections, 408, 425, 429 and 5xx; a result posted twice changes
    nothing. A body that is refused for what it is gives way to `instead`, a short error. A job that the
    platform does not know any more needs no result.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + budget_s
    pause = Backoff(0.1, 10.0)
    refused = 0
    while True:
        why, wait_s, status = "", 0.0, 0
        try:
            async with asyncio.timeout_at(min(until, loop.time() + TRY_S + len(body) / BYTES_PER_S)):
                status, wait_s = await door.post(job_id, body)
            why = f"status {status}"
        except Exception as error:
            why = type(error).__name__
        if 200 <= status < 300:
            return True
        if status in _NO_SUCH_JOB:
            log.warning("job %s: the platform does not know it any more", job_id)
            return False
        if 400 <= status < 500 and status not in _LATER:
            refused += 1
            if refused >= REFUSALS:
                if status not in _NOT_LIKE_THIS or body == instead:
                    log.error("job %s: %s was refused (%s)", job_id, what, why)
                    return False
                log.error("job %s: %s was refused (%s); a short error goes instead", job_id, what, why)
                body, refused = instead, 0
        wait_s = max(pause.next_s(), wait_s)
        if loop.time() + wait_s >= until:
            log.error("job %s: %s could not be delivered in %.0f s (%s)", job_id, what, budget_s, why)
            return False
        log.info("job %s: posting %s failed (%s); again in %.1f s", job_id, what, why, wait_s)
        await asyncio.sleep(wait_s)


def _seconds(headers: Mapping[str, str]) -> float:
    asked = headers.get("Retry-After", "")
    return min(float(asked), 30.0) if asked.isdigit() else 0.0
