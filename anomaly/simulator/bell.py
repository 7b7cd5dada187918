"""Wakes whoever waits for a change: long polls, /runsync."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


class Bell:
    """Rung at every change; after `close` nobody waits any more. Belongs to one event loop."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()
        self.closed = asyncio.Event()

    def ring(self) -> None:
        """Let everybody look again."""
        self._rung.set()
        self._rung = asyncio.Event()

    def close(self) -> None:
        """Let everybody look once more and go."""
        self.closed.set()
        self.ring()

    async def wait_for(self, look: Callable[[], Found | None], wait_s: float) -> Found | None:
        """Return the first truthy value of `look`, or what it gives after `wait_s`.

        Nothing is awaited between a look that succeeds and the return: what it took cannot get lost here.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + wait_s
        while True:
            rung = self._rung
            found = look()
            left_s = until - loop.time()
            if found or left_s <= 0 or self.closed.is_set():
                return found
            try:
                await asyncio.wait_for(rung.wait(), left_s)
            except TimeoutError:
                continue
