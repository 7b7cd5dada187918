"""How what is under way ends where nobody waits for it any more."""

import asyncio
from collections.abc import Iterable
from typing import Any

LEAVE_S = 5.0
"""For taking leave of a server: to hear of a job that was just handed in, and to cancel it."""


async def ended(tasks: "Iterable[asyncio.Task[Any]]", within_s: float = LEAVE_S) -> None:
    """Wait for `tasks`, whatever they end in, and cancel those that do not: it is about tidiness only."""
    waited = set(tasks)
    if waited:
        _, late = await asyncio.wait(waited, timeout=within_s)
        for each in late:
            each.cancel()
        await asyncio.gather(*waited, return_exceptions=True)
