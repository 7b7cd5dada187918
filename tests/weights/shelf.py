"""A loopback server that holds files, as the servers of weights do, and that can be told to misbehave."""

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Shelf(ThreadingHTTPServer):
    """`files` by path. `troubles` are used up one a request: a status, or how many bytes come before it breaks.

    `asked` are the requests so far: path and Range header.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.files: dict[str, bytes] = {}
        self.troubles: list[tuple[str, int]] = []
        self.asked: list[tuple[str, str | None]] = []
        self.ranges = True
        self.hub_commit = ""
        self.gated = False

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def open_shelf() -> Iterator[Shelf]:
    """Serve on a thread of its own until the statement ends."""
    shelf = Shelf()
    thread = threading.Thread(target=shelf.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield shelf
    finally:
        shelf.shutdown()
        thread.join()
        shelf.server_close()


class _Answer(BaseHTTPRequestHandler):
    server: Shelf

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        """Say what a GET would give."""
        self._answer(with_body=False)

    def do_GET(self) -> None:
        """Give a file, or a part of it, or trouble."""
        self.server.asked.append((self.path, self.headers.get("Range")))
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        shelf = self.server
        trouble = shelf.troubles.pop(0) if with_body and shelf.troubles else None
        if shelf.gated:
            self._head(403, {"X-Error-Code": "GatedRepo", "Content-Length": "0"})
        elif trouble is not None and trouble[0] == "status":
            self._head(trouble[1], {"Content-Length": "0"})
        elif self.path not in shelf.files:
            self._head(404, {"Content-Length": "0"})
        else:
            self._file(shelf.files[self.path], trouble, with_body=with_body)

    def _file(self, data: bytes, trouble: tuple[str, int] | None, *, with_body: bool) -> None:
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        headers = {"ETag": f'"{hashlib.sha256(data).hexdigest()}"', "Accept-Ranges": "bytes"}
        if self.server.hub_commit:
            headers["X-Repo-Commit"] = self.server.hub_commit
        status, body = 200, data
        if found and self.server.ranges:
            start = int(found[1])
            if start >= len(data):
                self._head(416, {"Content-Range": f"bytes */{len(data)}", "Content-Length": "0"})
                return
            status, body = 206, data[start:]
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        self._head(status, headers | {"Content-Length": str(len(body))})
        if with_body:
            broken = trouble is not None and trouble[0] == "break"
            self.wfile.write(body[: trouble[1]] if broken and trouble else body)
            self.close_connection = True

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
