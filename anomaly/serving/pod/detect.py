"""POST /detect, /detect/batch and /detect/upload."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, TypeVar

import pybase64
from fastapi import APIRouter, Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from anomaly.errors import AnomalyError, CallerGone, UnsupportedBody
from anomaly.imaging.photo import Photo
from anomaly.jobs import Jobs
from anomaly.service import Service
from anomaly.serving.pod import accept, body, document, failures, later
from anomaly.serving.pod.answered import Answered
from anomaly.serving.storing.filing import Filing
from anomaly.wire import answer, shapes
from anomaly.wire import request as wire
from anomaly.wire.options import DetectOptions

T = TypeVar("T")

# curl's -d says the last one of whatever it sends.
_JSON_TYPES = ("", "application/json", "text/json", "text/plain", "application/x-www-form-urlencoded")

Door = Callable[[Request], Awaitable[Answered]]
"""Answers a request for findings."""


class Doors:
    """Answers at the doors for photographs before the application has looked for a route.

    The same functions stand behind the application's routes, for its document and for a server under another
    root; its ways of finding, calling and answering cost each request as much as all of the rest but the pixels.
    """

    def __init__(self, app: ASGIApp, doors: Mapping[str, Door]) -> None:
        self._app, self._doors = app, doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or leave it to the application."""
        door = self._doors.get(scope["path"]) if scope["type"] == "http" else None
        if door is None or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        try:
            answered = await door(Request(scope, receive))
        except AnomalyError as error:
            await failures.send(error, scope, receive, send)
            return
        await answered.send(send)


def doors(
    service: Service, default_threshold: float, filing: Filing, queue: Jobs | None = None
) -> dict[str, Door]:
    """Return what answers at each path that takes photographs.

    Who does not wait is handed to `queue`; `filing` keeps what is to be kept.
    """
    limit = service.limits.max_request_bytes

    async def one(request: Request, photo: Photo, asked: DetectOptions) -> Answered:
        form = accept.wanted(request.headers.get("accept"))
        place = filing.target(asked) if asked.stores else None
        options = accept.suited(form, asked.options(default_threshold))
        [outcome] = await _while_connected(request, service.detect([photo], options))
        findings = outcome.result
        if isinstance(findings, AnomalyError):
            raise findings

        if place is not None:
            rendered = await service.off_loop(answer.detect_response, findings, options, outcome.elapsed_ms)
            return Answered(answer.to_json(await filing.file(rendered, place, asked.s3_prefix)))

        def written() -> Answered:
            with service.meter.stage("write"):
                return accept.write(form, findings, options, outcome.elapsed_ms)

        # Masks and pictures take milliseconds to write, names and numbers a tenth of one.
        return await service.off_loop(written) if options.include_masks or options.debug else written()

    async def of_file(request: Request, data: bytes, texts: Mapping[str, str]) -> Answered:
        asked = wire.parse_file(texts)
        if not asked.wait_for_result:
            return await later.handed_in(queue, request, asked, {"image": pybase64.b64encode(data).decode()})
        return await one(request, Photo(data, asked.frame_id), asked)

    async def detect(request: Request) -> Answered:
        content_type = _content_type(request)
        data = await body.read(request, limit)
        if _is_file(content_type, data):
            return await of_file(request, data, _query(request))
        parsed = wire.parse_detect(wire.beside(_json_body(content_type, data), _query(request)))
        if not parsed.wait_for_result:
            return await later.handed_in(queue, request, parsed)
        return await one(request, parsed.photos()[0], parsed)

    async def upload(request: Request) -> Answered:
        data = await body.read(request, limit)
        file, fields = body.form(request.headers.get("content-type", ""), data)
        return await of_file(request, file, {**_query(request), **fields})

    async def batch(request: Request) -> Answered:
        started = time.perf_counter()
        data = await body.read(request, limit)
        asked = wire.beside(_json_body(_content_type(request), data), _query(request))
        parsed = wire.parse_batch(asked, service.limits)
        if not parsed.wait_for_result:
            return await later.handed_in(queue, request, parsed)
        form = accept.wanted(request.headers.get("accept"), pictures=False)
        place = filing.target(parsed) if parsed.stores else None
        options = parsed.options(default_threshold)
        outcomes = await _while_connected(request, service.detect(parsed.photos(), options))
        elapsed_ms = (time.perf_counter() - started) * 1e3
        if place is not None:
            rendered = await service.off_loop(answer.batch_response, outcomes, options, elapsed_ms)
            return Answered(answer.to_json(await filing.file(rendered, place, parsed.s3_prefix)))
        return await service.off_loop(accept.write_batch, form, outcomes, options, elapsed_ms)

    return {"/detect": detect, "/detect/upload": upload, "/detect/batch": batch}


def routes(found: Mapping[str, Door]) -> APIRouter:
    """Return the doors as routes of the application."""
    router = APIRouter(tags=["detect"], responses=document.FAILURES)

    @router.post("/detect", response_model=shapes.DetectResponse, openapi_extra=document.DETECT)
    async def detect(request: Request) -> Response:
        """Find and measure the defects on one photograph: base64 in JSON, or the picture as the body."""
        return (await found["/detect"](request)).response()

    @router.post("/detect/upload", response_model=shapes.DetectResponse, openapi_extra=document.UPLOAD)
    async def detect_upload(request: Request) -> Response:
        """Find and measure the defects on one photograph that comes as the file of a form."""
        return (await found["/detect/upload"](request)).response()

    @router.post("/detect/batch", response_model=shapes.BatchResponse, openapi_extra=document.BATCH)
    async def detect_batch(request: Request) -> Response:
        """Find and measure the defects on several photographs; one that cannot be read fails alone."""
        return (await found["/detect/batch"](request)).response()

    return router


def _query(request: Request) -> Mapping[str, str]:
    # Most have none, and to parse none takes as long as to parse one.
    return request.query_params if request.scope["query_string"] else {}


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _is_file(content_type: str, data: bytes) -> bool:
    """Return whether a body is the picture itself; also where its type is what curl says of anything."""
    if content_type.startswith("image/") or content_type == "application/octet-stream":
        return True
    return content_type in _JSON_TYPES and data.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n", b"RIFF"))


def _json_body(content_type: str, data: bytes) -> object:
    if content_type not in _JSON_TYPES:
        raise UnsupportedBody(
            f"a body of {content_type} is not read here; send application/json to any door, a picture with"
            " its image/... type to POST /detect, or a multipart form to POST /detect/upload"
        )
    return wire.from_json(data)


async def _while_connected(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Await `work`, and cancel it when the caller hangs up: what still waits then takes no model time."""
    working = asyncio.current_task()
    leaving = asyncio.ensure_future(_cancel_on_leaving(request, working))
    try:
        return await work
    except asyncio.CancelledError:
        if working is not None and leaving.done():
            working.uncancel()
            raise CallerGone("the caller hung up") from None
        raise
    finally:
        leaving.cancel()


async def _cancel_on_leaving(request: Request, working: "asyncio.Task[Any] | None") -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    if working is not None:
        working.cancel()
