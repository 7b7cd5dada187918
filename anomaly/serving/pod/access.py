"""Who may come in, how often, and from which pages."""

import math
import time
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network
from typing import Self

from fastapi import FastAPI, Security, params
from fastapi.security import APIKeyHeader, HTTPBearer
from limits import RateLimitItem, parse_many
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from anomaly.errors import RateLimited, Unauthorized
from anomaly.keys import Keyring
from anomaly.serving.pod import failures

OPEN = ("/health", "/ping", "/", "/docs", "/openapi.json")
"""Paths that ask for no key: a load balancer has none, and who opens a page in a browser gives it there."""

OPEN_UNDER = ("/page/", "/docs/files/")
"""The files of those pages."""

_EXPOSED = (
    "X-Request-ID",
    "Retry-After",
    "Location",
    "X-Anomaly-Count",
    "X-Error-Count",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
)
"""What a page elsewhere may read beside the body."""


@dataclass(frozen=True, slots=True)
class Access:
    """Everyone, as often as they like, from this server's own page: unless a field says otherwise.

    `rate_limits` hold for each key, or for each address where there are no keys. `origins` are those of
    pages elsewhere that may call; `*` is all of them.
    """

    keyring: Keyring | None = None
    rate_limits: tuple[RateLimitItem, ...] = ()
    origins: tuple[str, ...] = ()

    @classmethod
    def read(cls, keyring: Keyring | None, rate_limit: str | None, origins: str | None) -> Self:
        """Read limits such as `10/second;1000/day`, and origins separated by commas."""
        return cls(
            keyring,
            tuple(parse_many(rate_limit)) if rate_limit else (),
            # Browsers send an origin without the slash with which people copy it.
            tuple(each.strip().rstrip("/") for each in (origins or "").split(",") if each.strip()),
        )


OPEN_TO_ALL = Access()


def install(app: FastAPI, access: Access) -> None:
    """Put the gate before `app`; where everyone may come in there is none, and it costs nothing."""
    if access.keyring is not None or access.rate_limits:
        app.add_middleware(_Gate, access)


def locks(access: Access) -> list[params.Depends]:
    """Return what routes depend on for `/openapi.json` to say how a key is sent; it is the gate that asks for it."""
    if access.keyring is None:
        return []
    return [
        Security(APIKeyHeader(name="X-API-Key", auto_error=False)),
        Security(HTTPBearer(auto_error=False)),
    ]


def readable(app: ASGIApp, access: Access) -> ASGIApp:
    """Return `app` such that pages elsewhere may read its answers, refusals too, where `access` lets them."""
    if not access.origins:
        return app
    return CORSMiddleware(
        app, allow_origins=access.origins, allow_methods=["*"], allow_headers=["*"], expose_headers=_EXPOSED
    )


class _Gate:
    """Refuses who has no key and who comes too often, before anything of the request is read."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._keyring, self._limits = app, access.keyring, access.rate_limits
        self._window = MovingWindowRateLimiter(MemoryStorage())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in OPEN or scope["path"].startswith(OPEN_UNDER):
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        try:
            holder = self._holder(connection)
        except Unauthorized as error:
            await failures.send(error, scope, receive, send)
            return
        # The scope's state travels with the request, and the log names the holder from it.
        scope.setdefault("state", {})["holder"] = holder
        # What one limit refuses uses up none of the others.
        exceeded = [limit for limit in self._limits if not self._window.test(limit, holder)]
        if not exceeded:
            for limit in self._limits:
                self._window.hit(limit, holder)
        headers = self._standing(holder, exceeded)
        if exceeded:
            wait_s = max(self._wait_s(limit, holder) for limit in exceeded)
            refusal = RateLimited(
                f"more than {' or '.join(map(str, exceeded))} came from here; wait {math.ceil(wait_s)} s",
                retry_after_s=wait_s,
            )
            failures.note(scope, refusal.code)
            answer = failures.response(refusal)
            answer.headers.update(dict(headers))
            await answer(scope, receive, send)
            return

        async def send_with_standing(message: Message) -> None:
            if message["type"] == "http.response.start":
                raw = [(name.lower().encode(), value.encode()) for name, value in headers]
                message = {**message, "headers": [*message.get("headers", ()), *raw]}
            await send(message)

        await self._app(scope, receive, send_with_standing if headers else send)

    def _holder(self, connection: HTTPConnection) -> str:
        if self._keyring is None:
            return _neighbourhood(connection.client.host) if connection.client else "unknown"
        scheme, _, bearer = connection.headers.get("authorization", "").partition(" ")
        key = connection.headers.get("x-api-key") or (bearer.strip() if scheme.lower() == "bearer" else "")
        if not key:
            raise Unauthorized("this server asks for a key; send it as X-API-Key or Authorization: Bearer")
        holder = self._keyring.holder(key)
        if holder is None:
            raise Unauthorized("the key opens nothing here; check it, or ask the operator for one")
        return holder

    def _wait_s(self, limit: RateLimitItem, holder: str) -> float:
        reset = self._window.get_window_stats(limit, holder).reset_time
        return max(reset - time.time(), 0.001)

    def _standing(self, holder: str, exceeded: list[RateLimitItem]) -> list[tuple[str, str]]:
        """Return the headers that tell how near the nearest limit is."""
        if not self._limits:
            return []
        stands = [(self._window.get_window_stats(limit, holder), limit) for limit in exceeded or self._limits]
        nearest, limit = min(stands, key=lambda stand: stand[0].remaining)
        return [
            ("X-RateLimit-Limit", str(limit.amount)),
            ("X-RateLimit-Remaining", str(max(nearest.remaining, 0))),
            ("X-RateLimit-Reset", str(math.ceil(max(nearest.reset_time - time.time(), 0)))),
        ]


def _neighbourhood(host: str) -> str:
    """Return an IPv4 address as it is, and of an IPv6 address the network that one customer has (RFC 6177)."""
    try:
        address = IPv6Address(host)
    except ValueError:
        return host
    return str(address.ipv4_mapped or IPv6Network((int(address) >> 64 << 64, 64)))
