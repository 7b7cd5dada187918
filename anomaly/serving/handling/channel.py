"""What is said of a job before its result: chunks of a stream, and how far it is."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from anomaly.wire import answer

log = logging.getLogger(__name__)

Post = Callable[[bytes], Awaitable[bool]]
"""Brings a body to the platform and returns whether it arrived."""

EVERY_S = 1.0
"""Progress is told so often at most, and not of a job that ends sooner. What is older then is left out."""


class Channel:
    """One job's way to its caller while it runs. Without the posts given it says nothing.

    The SDK's own `progress_update` posts each time from a new thread: its posts overtake one another, and the
    result. Here one post follows the other, and `close` waits for the one under way.
    """

    def __init__(self, chunks: Post | None = None, progress: Post | None = None) -> None:
        self._chunks = chunks
        self._progress = progress
        self._news: bytes | None = None
        self._telling: asyncio.Task[None] | None = None
        self._posting = False
        self._closing = False
        self.streamed = False
        """Whether a chunk was sent: the platform is told with the result."""

    async def send(self, output: bytes) -> None:
        """Send a chunk, JSON, and wait until the platform has it: the next one comes after it.

        Where one could not be brought none is sent any more: a stream with a hole is worse than one that ends.
        """
        if self._chunks is None:
            return
        self.streamed = True
        if not await self._chunks(b'{"output":' + output + b"}"):
            self._chunks = None

    def tell(self, done: int, of: int) -> None:
        """Say how many photographs of the job are done. Returns at once; the latest news are what is told."""
        if self._progress is None or self._closing:
            return
        self._news = answer.to_json(
            {"status": "IN_PROGRESS", "output": {"progress": {"done": done, "of": of}}}
        )
        if self._telling is None:
            self._telling = asyncio.create_task(self._tell(self._progress))

    async def close(self) -> None:
        """Tell no more, and wait for what is under way: nothing is to arrive after the result."""
        self._closing = True
        if self._telling is None:
            return
        if not self._posting:
            self._telling.cancel()
        await asyncio.wait([self._telling])

    def abandon(self) -> None:
        """Tell no more, at once: the job was cancelled."""
        self._closing = True
        if self._telling is not None:
            self._telling.cancel()

    async def _tell(self, post: Post) -> None:
        while not self._closing:
            await asyncio.sleep(EVERY_S)
            news, self._news = self._news, None
            if news is None:
                continue
            self._posting = True
            try:
                await post(news)
            except Exception:
                log.exception("progress could not be told")
            finally:
                self._posting = False
