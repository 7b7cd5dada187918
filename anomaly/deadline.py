"""Until when an answer is of use to the one who asked for it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import Self

from anomaly.errors import DeadlineExceeded

_NEVER: AbstractAsyncContextManager[None] = nullcontext()


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment `at` on `time.monotonic()`'s clock, `given_ms` after the request came; None is never."""

    at: float | None = None
    given_ms: int | None = None

    @classmethod
    def of(cls, timeout_ms: int | None, since: float | None = None) -> Self:
        """Return the moment `timeout_ms` after `since`, which is now if left out."""
        if timeout_ms is None:
            return cls()
        return cls((time.monotonic() if since is None else since) + timeout_ms / 1e3, timeout_ms)

    def check(self) -> None:
        """Raise `DeadlineExceeded` where the moment is over."""
        if self.at is not None and time.monotonic() >= self.at:
            raise self._over()

    def kept(self) -> AbstractAsyncContextManager[None]:
        """Cancel what the body awaits when the moment comes. Raises `DeadlineExceeded` then."""
        return _NEVER if self.at is None else self._until(self.at)

    @asynccontextmanager
    async def _until(self, at: float) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(at - time.monotonic()):
                yield
        except TimeoutError:
            raise self._over() from None

    def _over(self) -> DeadlineExceeded:
        return DeadlineExceeded(
            f"the {self.given_ms} ms of timeout_ms were over before the answer was there; give it longer,"
            " or send it again when less waits"
        )
