"""The end of a server: new requests are turned away, those that run are finished."""

import logging
import os
import signal
import threading
import time
from types import FrameType

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from anomaly.errors import DeviceLost, NotReady
from anomaly.service import Service
from anomaly.serving.pod import failures

log = logging.getLogger(__name__)

QUIET_S = 0.5
"""So long at least a server that was told to stop answers 503, for a load balancer to see."""

CLOSING_S = 2.0
"""So long connections and threads have to end when the time for requests is over."""

_ANSWERED = ("/ping", "/health", "/info", "/metrics")
_CLOSE = (b"connection", b"close")


class Turnstile:
    """Answers 503 with a `Retry-After` to what comes while the service drains, and closes its connections."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app, self._service = app, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start" and self._service.draining:
                message = {**message, "headers": [*message.get("headers", ()), _CLOSE]}
            await send(message)

        if self._service.draining and scope["path"] not in _ANSWERED:
            refused = NotReady("the server is stopping; send it again, to another", retry_after_s=1.0)
            await failures.send(refused, scope, receive, answer)
        else:
            await self._app(scope, receive, answer)


class Server(uvicorn.Server):
    """Serves until told to stop, and then until its requests are finished, `drain_s` at most.

    A second signal ends it at once. Once the device is lost it tells itself: only a new process mends that.
    """

    def __init__(self, config: uvicorn.Config, service: Service, drain_s: float) -> None:
        super().__init__(config)
        self._service, self._drain_s = service, drain_s
        self._told_at: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain; at the second signal, end."""
        if self._told_at is not None:
            self.should_exit = True
            return
        self._begin(signal.Signals(sig).name)

    async def on_tick(self, counter: int) -> bool:
        """Return whether to end now: nothing runs any more, or the time is over."""
        if await super().on_tick(counter):
            return True
        if self._told_at is None:
            if isinstance(self._service.failure, DeviceLost):
                self._begin(str(self._service.failure))
            return False
        drained_s, running = time.monotonic() - self._told_at, len(self.server_state.tasks)
        if drained_s > self._drain_s and running:
            log.warning("%d requests are cut off: they took over %g s more", running, self._drain_s)
            return True
        return drained_s >= QUIET_S and not running

    def _begin(self, why: str) -> None:
        self._told_at = time.monotonic()
        self._service.drain()
        log.info("%s: no new requests are taken, and those that run are finished", why)
        # Whatever hangs, a model on a lost card even: the process ends.
        last = threading.Timer(self._drain_s + QUIET_S + 2 * CLOSING_S, self._leave)
        last.daemon = True
        last.start()

    def _leave(self) -> None:
        log.error("the server did not end in time, and is ended")
        os._exit(0 if self._service.failure is None else 1)
