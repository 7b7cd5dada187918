"""mosec: a server in Rust, two processes that decode, one that runs the model on what came together."""

import base64
import json
import os
import sys
from typing import Any

import mosec

from benchmarks.serving import task


class Decode(mosec.Worker):
    """Bytes to pixels."""

    def deserialize(self, data: bytes) -> bytes:
        """Take the file out of a form with one file, or out of the base64 in JSON."""
        if data[:1] == b"{":
            return base64.b64decode(json.loads(data)["image"])
        start = data.index(b"\r\n\r\n") + 4
        return bytes(data[start : data.rindex(b"\r\n--", start)])

    def forward(self, data: bytes) -> task.Picture:
        """Decode."""
        return task.decode(data)


class Detect(mosec.Worker):
    """Pixels to boxes."""

    def __init__(self) -> None:
        self.model = task.model(os.environ["BENCHMARK_MODEL"])

    def forward(self, data: list[task.Picture]) -> list[dict[str, Any]]:
        """Run the model once on all of them."""
        return [task.answer(picture, boxes) for picture, boxes in zip(data, self.model(data), strict=True)]


if __name__ == "__main__":
    port, os.environ["BENCHMARK_MODEL"] = sys.argv[1:]
    sys.argv[1:] = ["--port", port, "--address", "127.0.0.1", "--log-level", "warning", "--timeout", "20000"]
    server = mosec.Server()
    doors = ["/detect", "/detect/upload"]
    server.append_worker(Decode, num=2, route=doors)
    server.append_worker(
        Detect, num=1, max_batch_size=task.MAX_BATCH, max_wait_time=task.BATCH_WAIT_MS, route=doors
    )
    server.run()
