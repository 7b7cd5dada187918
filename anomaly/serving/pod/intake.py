"""The bytes of requests that are being read or answered: never more than fit, and none for ever on its way."""

import asyncio
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from anomaly import machine
from anomaly.errors import Overloaded, UploadTooSlow
from anomaly.serving.pod import failures

SHARE = 8
"""Of the memory one part in so many is for bodies: base64 in JSON is there three times while it is read."""

UNTOLD_BYTES = 1_000_000_000
"""The bound where the system does not tell its memory."""

AGAIN_S = 5.0
"""When to come again: that is about what a large photograph takes on its way."""

LOOK_S = 1.0
"""How often it is looked whether a body is late."""

Task = asyncio.Task[Any]


@dataclass(frozen=True, slots=True)
class Uploads:
    """How many bytes all bodies together may have, by the memory if None, and in how many seconds each is read."""

    most_bytes: int | None = None
    timeout_s: float = 300.0

    def bound(self) -> int:
        """Return the bytes that all bodies together may have."""
        if self.most_bytes is not None:
            return self.most_bytes
        memory = machine.memory_bytes()
        return UNTOLD_BYTES if memory is None else memory // SHARE


BY_MEMORY = Uploads()


class Intake:
    """Counts each body from its arrival to its answer: by what is announced, or as it comes where nothing is.

    What is more than fits beside the others is refused before it is read, with `Overloaded`; alone every body
    fits. One that is announced over `largest_bytes` is left to the door, which reads none of it. A body that is not
    there in time is given up with `UploadTooSlow`: the server itself waits for ever.
    """

    def __init__(self, app: ASGIApp, uploads: Uploads, largest_bytes: int) -> None:
        self._app = app
        self._most, self._largest = uploads.bound(), largest_bytes
        self.timeout_s = uploads.timeout_s
        self._held = 0
        self._due: dict[Task, float] = {}
        self._late: set[Task] = set()
        self._watching: asyncio.AbstractEventLoop | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        announced = _announced(scope)
        if announced is not None and announced > self._largest:
            await self._app(scope, receive, send)
            return
        try:
            self.hold(announced or 0)
        except Overloaded as error:
            await failures.send(error, scope, receive, send)
            return
        upload = _Upload(self, receive, announced)
        try:
            await self._app(scope, upload.receive, send)
        finally:
            self._held -= upload.held

    def hold(self, size: int, own: int = 0) -> None:
        """Count `size` more bytes, `own` being those of the same body. Raises `Overloaded` where they do not fit."""
        others = self._held - own
        if size and others and self._held + size > self._most:
            raise Overloaded(
                f"requests of {others / 1e6:.0f} MB are in work, and this one does not fit beside them;"
                " try again later, or send fewer photos at once",
                retry_after_s=AGAIN_S,
            )
        self._held += size

    async def message(self, receive: Receive, due: float, loop: asyncio.AbstractEventLoop) -> Message:
        """Return the next part of a body. Raises `UploadTooSlow` at the moment `due` of the loop's clock.

        One look each second goes over all that wait: a timer for each part would cost more than to read it.
        """
        task = asyncio.current_task()
        if task is None:
            return await receive()
        self._due[task] = due
        if self._watching is not loop:
            self._watching = loop
            loop.call_later(min(LOOK_S, self.timeout_s / 4), self._look, loop)
        try:
            return await receive()
        except asyncio.CancelledError:
            if task not in self._late:
                raise
            self._late.discard(task)
            task.uncancel()
            raise UploadTooSlow(
                f"the request's body was not there within {self.timeout_s:g} s; send fewer photos at once, or"
                " from where the line is faster"
            ) from None
        finally:
            del self._due[task]

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for task, due in self._due.items():
            if due <= now and task not in self._late:
                self._late.add(task)
                task.cancel()
        if self._due:
            loop.call_later(min(LOOK_S, self.timeout_s / 4), self._look, loop)
        else:
            self._watching = None


class _Upload:
    """One body on its way. `held` are the bytes that are counted for it."""

    __slots__ = ("_counted", "_due", "_intake", "_loop", "_receive", "_there", "held")

    def __init__(self, intake: Intake, receive: Receive, announced: int | None) -> None:
        self._intake, self._receive = intake, receive
        self._loop = asyncio.get_running_loop()
        self._due = self._loop.time() + intake.timeout_s
        self._counted = announced is not None
        self._there = False
        self.held = announced or 0

    async def receive(self) -> Message:
        """Return the next message, as the server gives it."""
        if self._there:
            return await self._receive()
        message = await self._intake.message(self._receive, self._due, self._loop)
        self._there = not message.get("more_body", False)
        if not self._counted:
            size = len(message.get("body", b""))
            self._intake.hold(size, self.held)
            self.held += size
        return message


def _announced(scope: Scope) -> int | None:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else None
    return None
