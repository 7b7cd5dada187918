"""Asking the platform again and again, without a storm when it answers at once."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from anomaly.serving.worker.backoff import Backoff

log = logging.getLogger(__name__)

Item = TypeVar("Item")

POLL_S = 90.0
"""A poll that says nothing for so long is given up, as the SDK does."""

HELD_S = 1.0
"""An empty answer that took so long was a long poll; a faster one calls for a pause."""


async def answers(ask: Callable[[], Awaitable[list[Item] | None]], what: str) -> AsyncIterator[list[Item]]:
    """Yield what `ask` returns, for ever; `what` names it in the log.

    Between polls that fail lie pauses of up to 10 s, and of up to 1 s where they come back empty at once:
    the SDK's functions return nothing for a 204 and for a 400 alike, and raise for every other status.
    """
    loop = asyncio.get_running_loop()
    idle, trouble = Backoff(0.05, 1.0), Backoff(0.2, 10.0)
    while True:
        asked_at = loop.time()
        try:
            async with asyncio.timeout(POLL_S):
                found = await ask()
        except TimeoutError:
            log.debug("asking for %s was given up after %.0f s", what, POLL_S)
            continue
        except Exception as error:
            pause_s = trouble.next_s()
            log.warning("asking for %s failed (%s); again in %.1f s", what, _brief(error), pause_s)
            await asyncio.sleep(pause_s)
            continue
        trouble.reset()
        if found:
            yield found
        if found or loop.time() - asked_at >= HELD_S:
            idle.reset()
        else:
            await asyncio.sleep(idle.next_s())


def _brief(error: Exception) -> str:
    status = getattr(error, "status", None)
    return repr(error) if status is None else f"status {status}"
