"""Each request's id, its line in the log and its place in the figures, and an answer to what nobody expected."""

import logging
import re
import time
from collections.abc import Collection
from secrets import token_hex
from urllib.parse import quote

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from anomaly.metrics import Meter

log = logging.getLogger(__name__)

_SOUND_ID = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")

_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
"""Those of the figures: a stranger's own words are one together."""

_MOST_SHOWN = 512
"""Characters of a path in the log."""

_QUIET = ("/health", "/ping", "/metrics")
"""Asked every few seconds by machines: their lines are for debugging."""


class Trace:
    """Takes the caller's `X-Request-ID` or makes one, answers it, binds it to the log, and logs one line.

    The line has method, path, status, time and the key's name: never the query, which may hold a signed
    link, and never a payload. `unexpected` answers where the application raises.
    """

    def __init__(self, app: ASGIApp, meter: Meter, doors: Collection[str], unexpected: ASGIApp) -> None:
        self._app, self._meter, self._doors, self._unexpected = app, meter, doors, unexpected

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, with its id."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        identity = _request_id(scope)
        started, status = time.perf_counter(), 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message.get("headers", ()), (b"x-request-id", identity)]}
            await send(message)

        bound = structlog.contextvars.bind_contextvars(request_id=identity.decode())
        try:
            await self._app(scope, receive, answer)
        except Exception:
            log.exception("%s %s failed", scope["method"], _shown(scope["path"]))
            if status:  # too late for another answer: the connection breaks off
                raise
            await self._unexpected(scope, receive, answer)
        finally:
            self._note(scope, status, time.perf_counter() - started)
            structlog.contextvars.reset_contextvars(**bound)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        noted = scope.get("state", {})
        code = noted.get("error_code")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._meter.requested(self._route(scope), method, status, seconds, code)
        level = logging.DEBUG if scope["path"] in _QUIET else logging.INFO
        if log.isEnabledFor(level):
            extra = {"status": status, "elapsed_ms": round(seconds * 1e3, 1)}
            extra |= {name: noted[name] for name in ("holder", "error_code") if noted.get(name) is not None}
            log.log(level, "%s %s", scope["method"], _shown(scope["path"]), extra=extra)

    def _route(self, scope: Scope) -> str:
        """Return the pattern of the path that answered: what strangers make up has one name together."""
        if scope["path"] in self._doors:
            return str(scope["path"])
        return getattr(scope.get("route"), "path", "other")


def _shown(path: str) -> str:
    """Return a path for one line of the log: what would break or colour it is escaped again, and it ends."""
    return path[:_MOST_SHOWN] if path.isprintable() else quote(path[:_MOST_SHOWN])


def _request_id(scope: Scope) -> bytes:
    given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
    return given if _SOUND_ID.fullmatch(given) else token_hex(16).encode()
