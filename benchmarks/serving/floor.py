"""What no server can go below for a lone caller: one thread that decodes and asks the model, a constant answer.

It looks at nothing that it is sent but the photograph, names nothing that the model finds, and batches nothing.
"""

import asyncio
import queue
import sys
import threading
from typing import Any

import orjson
import pybase64
import simplejpeg
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from benchmarks.serving import task

ANSWER = b'{"filler":"%b"}' % (b"x" * 5900)
"""JSON, as long as the answer with twenty boxes."""

START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", str(len(ANSWER)).encode())],
}


def create_app(model: task.Model) -> ASGIApp:
    """Return the application."""
    waiting: queue.SimpleQueue[tuple[bytes, asyncio.Future[None]]] = queue.SimpleQueue()

    def work() -> None:
        while True:
            body, done = waiting.get()
            model([simplejpeg.decode_jpeg(_photograph(body))])
            done.get_loop().call_soon_threadsafe(done.set_result, None)

    threading.Thread(target=work, daemon=True).start()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        body, message = b"", await receive()
        while message["type"] == "http.request":
            body += message["body"]
            if not message["more_body"]:
                break
            message = await receive()
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting.put((body, done))
        await done
        await send(START)
        await send({"type": "http.response.body", "body": ANSWER})

    return app


def _photograph(body: bytes) -> bytes:
    start = body.find(b"\xff\xd8\xff")
    if start >= 0:
        return body[start : body.rfind(b"\r\n--")]
    parsed: dict[str, Any] = orjson.loads(body)
    return pybase64.b64decode(parsed["image"], validate=True)


if __name__ == "__main__":
    uvicorn.run(
        create_app(task.model(sys.argv[2])),
        port=int(sys.argv[1]),
        log_level="warning",
        access_log=False,
        lifespan="off",
    )
