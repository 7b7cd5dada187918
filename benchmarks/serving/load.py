"""The load: connections kept alive that each ask again as soon as they were answered, in a process of its own.

`python -m benchmarks.serving.load` reads one order a line as JSON and answers each with a line: started once,
it costs no start-up between slices. It sends bytes prepared beforehand and reads with httptools, so that it
takes a small part of a core at the rates measured here; `cpu_ms` of each answer says how much.
"""

import asyncio
import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import httptools
import uvloop

WARM_UP_S = 0.3
"""Answers in the first part of a slice are not counted: queues fill and caches warm."""


@dataclass(frozen=True, slots=True)
class Order:
    """Ask the server on `port`, for `seconds` after the warm-up, with `concurrency` requests at any time.

    `request_file` holds the whole request as bytes, head and body. Who has no answer `patience_s` after that is
    given up.
    """

    port: int
    request_file: str
    concurrency: int
    seconds: float
    patience_s: float = 20.0


@dataclass(slots=True)
class Result:
    """What was answered with 200 after the warm-up, ms each, in `seconds`; and what else came.

    `total` counts all requests answered, with the warm-up; `errors` the other answers by status, "closed" for
    connections that broke off, and "unanswered"; `cpu_ms` is what the load itself took.
    """

    seconds: float = 0.0
    latencies_ms: list[float] = field(default_factory=list)
    total: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    cpu_ms: float = 0.0

    @property
    def per_s(self) -> float:
        """Answered requests a second."""
        return len(self.latencies_ms) / self.seconds


class Connection(asyncio.Protocol):
    """One caller: sends, waits for the whole answer, sends again until it is told to stop."""

    def __init__(self, request: bytes, result: Result, counts_from: float, until: float) -> None:
        self.done = asyncio.get_running_loop().create_future()
        self._request, self._result, self._counts_from, self._until = request, result, counts_from, until
        self._parser = httptools.HttpResponseParser(self)
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._send()

    def data_received(self, data: bytes) -> None:
        """Read on."""
        self._parser.feed_data(data)

    def connection_lost(self, _: Exception | None) -> None:
        """End; before its time that is an error."""
        if not self.done.done():
            self._failed("closed")
            self.done.set_result(None)

    def on_message_complete(self) -> None:
        """Count the answer, and ask again."""
        now = time.perf_counter()
        self._result.total += 1
        status = self._parser.get_status_code()
        if status != 200:
            self._failed(str(status))
        elif self._counts_from <= now < self._until:
            self._result.latencies_ms.append((now - self._sent) * 1e3)
        if now < self._until:
            self._parser = httptools.HttpResponseParser(self)
            self._send()
        else:
            self.done.set_result(None)
            self._transport.close()

    def give_up(self) -> None:
        """Wait for no answer any more: not to get one is an error."""
        if not self.done.done():
            self._failed("unanswered")
            self.done.set_result(None)
            self._transport.abort()

    def _failed(self, how: str) -> None:
        self._result.errors[how] = self._result.errors.get(how, 0) + 1

    def _send(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(self._request)


async def slice_of(order: Order) -> Result:
    """Put one slice of load on a server."""
    result = Result(order.seconds)
    request = await asyncio.to_thread(Path(order.request_file).read_bytes)
    cpu, counts_from = time.process_time(), time.perf_counter() + WARM_UP_S
    loop = asyncio.get_running_loop()
    opened = [
        await loop.create_connection(
            lambda: Connection(request, result, counts_from, counts_from + order.seconds),
            "127.0.0.1",
            order.port,
        )
        for _ in range(order.concurrency)
    ]
    connections = [each for _, each in opened]
    await asyncio.wait(
        [each.done for each in connections], timeout=WARM_UP_S + order.seconds + order.patience_s
    )
    for each in connections:
        each.give_up()
    result.cpu_ms = (time.process_time() - cpu) * 1e3
    return result


class Load:
    """The process, as its user holds it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def put(self, order: Order) -> Result:
        """Put one slice of load on a server, and wait for what came of it."""
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise RuntimeError("the load has no pipes")
        stdin.write(json.dumps(asdict(order)) + "\n")
        stdin.flush()
        line = stdout.readline()
        if not line:
            raise RuntimeError("the load ended; its last words stand above")
        return Result(**json.loads(line))

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def main() -> None:
    """Obey until the orders end."""
    for line in sys.stdin:
        print(json.dumps(asdict(uvloop.run(slice_of(Order(**json.loads(line)))))), flush=True)


if __name__ == "__main__":
    main()
