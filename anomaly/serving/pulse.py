"""Whether this worker may have requests, for RunPod's load balancer: GET /ping on a port of its own.

Imports nothing heavy: it answers from the moment that the process starts, long before the models are there.
"""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from anomaly.errors import ConfigurationError

LOADING, READY, UNFIT = 204, 200, 503
"""What the load balancer reads: wait, send, and send nothing more."""


class Pulse:
    """Answers on `port` of `host` until the statement ends; `status` is what it answers, LOADING at first.

    Raises `ConfigurationError` where the port cannot be had.
    """

    def __init__(self, host: str, port: int) -> None:
        self.status: Callable[[], int] = lambda: LOADING
        pulse = self

        class Answer(BaseHTTPRequestHandler):
            timeout = 10.0  # a caller that says nothing keeps a thread no longer

            def do_GET(self) -> None:
                known = self.path.partition("?")[0] in ("/ping", "/health", "/")
                self.send_response(pulse.status() if known else 404)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_HEAD = do_GET  # noqa: N815 (the library's name)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing: it is asked every second."""

        try:
            self._server = ThreadingHTTPServer((host, port), Answer)
        except OSError as error:
            raise ConfigurationError(
                f"PORT_HEALTH={port} cannot be listened on ({error.strerror}): free it, or choose another;"
                " below 1024 a container may not let a user who is not root."
            ) from error
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, name="pulse", daemon=True
        )

    @property
    def port(self) -> int:
        """The port, also where 0 had one chosen."""
        return self._server.server_address[1]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
