"""RunPod's REST API (v2) on loopback: pods and endpoints are kept as sent, and nothing is started."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "local-key"
"""The simulated queue's too: on RunPod one key opens both."""

# What the API's own schema takes, by docs.runpod.io/api-reference-v2: anything else it refuses with 422.
_CONTAINER = {"image", "args", "disk", "env", "ports", "registry", "templateId"}
_FIELDS = {
    ("POST", "pods"): _CONTAINER
    | {"name", "cloud", "cpu", "dataCenterIds", "gpu", "mounts", "globalNetworking"},
    ("PATCH", "pods"): _CONTAINER | {"name", "locked", "mounts", "globalNetworking"},
    ("POST", "serverless"): _CONTAINER
    | {
        "name",
        "type",
        "scaling",
        "gpu",
        "cpu",
        "dataCenterIds",
        "flashboot",
        "networkVolumes",
        "timeout",
        "workers",
    },
    ("PATCH", "serverless"): _CONTAINER
    | {"name", "scaling", "gpu", "cpu", "dataCenterIds", "flashboot", "networkVolumes", "timeout", "workers"},
}
_LISTED = {"pods": "pods", "serverless": "endpoints"}


class Account(ThreadingHTTPServer):
    """`kept` holds what was made, by collection and id; `urls` is what endpoints are said to be asked at.

    `troubles` are statuses that the next calls get instead; `asked` are the calls so far.
    """

    daemon_threads = True

    def __init__(self, urls: dict[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.urls = urls
        self.kept: dict[str, dict[str, dict[str, Any]]] = {"pods": {}, "serverless": {}}
        self.troubles: list[int] = []
        self.asked: list[str] = []

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def account(urls: dict[str, str] | None = None) -> Iterator[Account]:
    """Serve on a thread of its own until the statement ends."""
    server = Account(urls or {})
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Answer(BaseHTTPRequestHandler):
    server: Account

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._do("GET")

    def do_POST(self) -> None:
        self._do("POST")

    def do_PATCH(self) -> None:
        self._do("PATCH")

    def do_DELETE(self) -> None:
        self._do("DELETE")

    def _do(self, method: str) -> None:
        self.server.asked.append(f"{method} {self.path}")
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else {}
        _, version, collection, *rest = self.path.split("/")
        if self.server.troubles:
            self._problem(self.server.troubles.pop(0), "trouble")
        elif self.headers.get("Authorization") != f"Bearer {KEY}":
            self._problem(401, "invalid key")
        elif version != "v2" or collection not in self.server.kept:
            self._problem(404, "no such path")
        elif unknown := set(body) - _FIELDS.get((method, collection), set()):
            self._problem(
                422, "the body does not match", [f"additional property {each}" for each in sorted(unknown)]
            )
        else:
            self._kept(method, collection, rest[0] if rest else "", body)

    def _kept(self, method: str, collection: str, name: str, body: dict[str, Any]) -> None:
        kept = self.server.kept[collection]
        if method == "GET":
            self._send(200, {_LISTED[collection]: [self._shown(each) for each in kept.values()]})
        elif method == "POST":
            made = {"id": f"id{len(kept)}", **body}
            kept[made["id"]] = made
            self._send(201, self._shown(made))
        elif name not in kept:
            self._problem(404, "not found")
        elif method == "PATCH":
            kept[name] |= body
            self._send(200, self._shown(kept[name]))
        else:
            del kept[name]
            self._send(204, None)

    def _shown(self, made: dict[str, Any]) -> dict[str, Any]:
        return made | ({"requestUrls": self.server.urls} if self.server.urls else {})

    def _problem(self, status: int, detail: str, errors: list[str] | None = None) -> None:
        self._send(status, {"title": "problem", "status": status, "detail": detail, "errors": errors or []})

    def _send(self, status: int, value: Any) -> None:
        data = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
