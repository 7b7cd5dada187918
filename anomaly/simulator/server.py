"""The application, assembled, and the server that runs it on the event loop it is started on."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount
from starlette.types import ASGIApp

from anomaly.errors import ConfigurationError, InputError, QueueFull
from anomaly.simulator.client_face import ClientFace
from anomaly.simulator.connections import Connections
from anomaly.simulator.endpoint import Endpoint
from anomaly.simulator.worker_face import WorkerFace

KEEP_ALIVE_S = 75
"""Longer than any client keeps an idle connection: one that breaks here breaks because a fault says so."""


def application(endpoint: Endpoint, endpoint_id: str) -> Starlette:
    """Return both faces of the endpoint, below /v2/`endpoint_id`/."""
    routes = [*ClientFace(endpoint).routes(), *WorkerFace(endpoint).routes()]
    return Starlette(
        routes=[Mount(f"/v2/{endpoint_id}", routes=routes)],
        exception_handlers={HTTPException: _refused, InputError: _bad_request, QueueFull: _too_many},
    )


async def _refused(request: Request, error: Exception) -> Response:
    refused = cast(HTTPException, error)
    return JSONResponse({"error": refused.detail}, refused.status_code)


async def _bad_request(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 400)


async def _too_many(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 429)


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:  # its host, not it, decides on signals
        yield


class Server:
    """One listening socket and what answers on it."""

    def __init__(self, app: ASGIApp, connections: Connections, host: str, port: int) -> None:
        # The protocol is spelt out: asyncio sets TCP_NODELAY on such sockets only, else answers wait 40 ms.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((host, port))
        except OSError as error:
            self._socket.close()
            raise ConfigurationError(
                f"cannot listen on {host}:{port} ({error.strerror}); choose another, or 0 for any"
            ) from error
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            app,
            http=cast(type[asyncio.Protocol], connections.protocol),  # called as a class would be
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=1,
        )
        self._server = _Server(config)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Serve, from now on."""
        self._task = asyncio.get_running_loop().create_task(self._server.serve(sockets=[self._socket]))
        while not self._server.started and not self._task.done():
            await asyncio.sleep(0.005)
        if self._task.done():
            await self._task

    async def stop(self) -> None:
        """End, after the calls under way or a second, whichever is first."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task
        self._socket.close()
