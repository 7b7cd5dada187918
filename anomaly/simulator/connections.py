"""Access to the connection under a request, which ASGI hides and a dropped connection needs."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

Address = tuple[str, int]


class Connections:
    """The open connections by the address of their other end, which is unique while one is open."""

    def __init__(self) -> None:
        self._open: dict[Address, asyncio.Transport] = {}

    def protocol(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> asyncio.Protocol:
        """Return a protocol for one connection: uvicorn's own, that signs on and off here."""
        return _Signing(self._open, config, server_state, app_state, _loop)

    def close(self, scope: MutableMapping[str, Any]) -> None:
        """Close the connection that a request came by; what is not yet written is thrown away."""
        if transport := self._open.get(tuple(scope["client"])):
            transport.abort()


class _Signing(HttpToolsProtocol):
    def __init__(
        self,
        connections: dict[Address, asyncio.Transport],
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._connections = connections

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self.client:
            self._connections[self.client] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self.client:
            self._connections.pop(self.client, None)
