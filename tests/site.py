"""A web site on loopback, with every kind of trouble."""

import gzip
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.pictures import encoded

PICTURE = encoded()


class _Site(BaseHTTPRequestHandler):
    """A web site with every kind of trouble."""

    def do_GET(self) -> None:
        host = self.headers["Host"]
        port = host.rpartition(":")[2]
        match self.path.partition("?")[0]:
            case "/photo.png":
                self._answer(200, PICTURE, "image/png")
            case "/untyped":
                self._answer(200, PICTURE, None)
            case "/host":
                self._answer(200, host.encode(), "image/png")
            case "/page":
                self._answer(200, b"<html>", "text/html; charset=utf-8")
            case "/away":
                self._move(f"http://127.0.0.2:{port}/photo.png")
            case "/metadata":
                self._move("http://169.254.169.254/latest/meta-data/")
            case "/file":
                self._move("file:///etc/passwd")
            case "/relative":
                self._move("photo.png")
            case "/circle":
                self._move("/circle")
            case "/packed":
                self._answer(200, gzip.compress(PICTURE), "image/png", ("Content-Encoding", "gzip"))
            case "/unpacked":
                packed = self.headers.get("Accept-Encoding") != "identity"
                self._answer(403 if packed else 200, PICTURE, "image/png")
            case "/cookie":
                self._answer(200, PICTURE, "image/png", ("Set-Cookie", "who=a"))
            case "/cookies":
                self._answer(403 if "Cookie" in self.headers else 200, PICTURE, "image/png")
            case "/endless":
                self.send_response(302)
                self.send_header("Location", "/photo.png")
                self.end_headers()
                with suppress(OSError):
                    while True:
                        self.wfile.write(b"x" * 100_000)
            case "/long":
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"x" * 100_000)
            case "/slow":
                time.sleep(1.5)
                self._answer(200, PICTURE, "image/png")
            case _:
                self._answer(403, b"", "text/plain")

    def _answer(self, status: int, body: bytes, kind: str | None, *more: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in more:
            self.send_header(name, value)
        if kind is not None:
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _move(self, where: str) -> None:
        self.send_response(302)
        self.send_header("Location", where)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def served_site() -> Iterator[str]:
    """Serve the site; give its address."""
    server = ThreadingHTTPServer(("0.0.0.0", 0), _Site)  # noqa: S104 - 127.0.0.2 is here too
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
