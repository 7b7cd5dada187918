"""What a running job says before its end."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from anomaly.jobs.store import Store


class Voice(Protocol):
    """What a running job says before its end. Bodies are JSON."""

    async def chunk(self, body: bytes) -> bool:
        """Add a chunk to the job's stream; True once it is kept."""

    async def progress(self, output: bytes) -> bool:
        """Show an interim output; True once it is kept."""


class Kept:
    """Keeps what one job says; `kept` runs the store's functions."""

    def __init__(self, kept: Callable[..., Awaitable[Any]], store: Store, identity: str) -> None:
        self._kept, self._store, self._identity = kept, store, identity

    async def chunk(self, body: bytes) -> bool:
        """Add a chunk to the job's stream."""
        await self._kept(self._store.add_chunk, self._identity, body)
        return True

    async def progress(self, output: bytes) -> bool:
        """Show an interim output."""
        await self._kept(self._store.progress, self._identity, output)
        return True
