"""What the routes of both faces share: bodies within a limit, waits that end with their caller."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from anomaly.simulator.limits import MIB

Waited = TypeVar("Waited")


def answer(content: Any, status: int = 200) -> Response:
    """Return `content` as a JSON response."""
    return Response(orjson.dumps(content), status, media_type="application/json")


async def body_within(request: Request, limit_bytes: int) -> bytes:
    """Return the body; 400 where it is larger, which is the platform's answer, after reading to its end."""
    body, size = bytearray(), 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= limit_bytes:
            body += chunk
    if size > limit_bytes:
        raise HTTPException(400, f"exceeded max body size of {limit_bytes / MIB:g}MiB: {size} bytes sent")
    return bytes(body)


async def while_connected(request: Request, waiting: Coroutine[Any, Any, Waited]) -> Waited | None:
    """Return what `waiting` gives, or None at once when the caller hangs up. The body must have been read."""
    result = asyncio.ensure_future(waiting)
    hung_up = asyncio.ensure_future(_hung_up(request))
    await asyncio.wait((result, hung_up), return_when=asyncio.FIRST_COMPLETED)
    hung_up.cancel()
    if not result.done():
        result.cancel()
        return None
    return result.result()


async def _hung_up(request: Request) -> None:
    try:
        while (await request.receive())["type"] != "http.disconnect":
            continue
    except ClientDisconnect:
        return
