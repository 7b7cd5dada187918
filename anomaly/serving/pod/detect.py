"""POST /detect, /detect/batch and /detect/upload."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, TypeVar

from fastapi import APIRouter, Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from anomaly.errors import AnomalyError, CallerGone, UnsupportedBody
from anomaly.imaging.photo import Photo
from anomaly.service import Service
from anomaly.serving.pod import body, failures
from anomaly.types import Options
from anomaly.wire import answer, shapes
from anomaly.wire import request as wire

T = TypeVar("T")

# curl's -d says the last one of whatever it sends.
_JSON_TYPES = ("", "application/json", "text/json", "text/plain", "application/x-www-form-urlencoded")

_FAILURES: dict[int | str, dict[str, Any]] = {
    status: {"model": shapes.ErrorResponse} for status in sorted({*failures.STATUS.values()})
}
_PICTURE = {"schema": {"type": "string", "format": "binary"}}
_DETECT_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": wire.DetectRequest.model_json_schema()},
            **dict.fromkeys(("image/jpeg", "image/png", "image/webp"), _PICTURE),
        },
    },
    "parameters": [
        {"name": name, "in": "query", "schema": schema, "description": "With a picture as the body."}
        for name, schema in wire.FileRequest.model_json_schema()["properties"].items()
    ],
}
_BATCH_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": wire.BatchRequest.model_json_schema()}},
    }
}
_FORM_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        **wire.FileRequest.model_json_schema()["properties"],
                    },
                }
            }
        },
    }
}


Door = Callable[[Request], Awaitable[bytes]]
"""Answers a request with the JSON of its findings."""


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
            written = await door(Request(scope, receive))
        except AnomalyError as error:
            await failures.response(error)(scope, receive, send)
            return
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(written)).encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": written})


def doors(service: Service, default_threshold: float) -> dict[str, Door]:
    """Return what answers at each path that takes photographs."""
    limit = service.limits.max_request_bytes

    async def one(request: Request, photo: Photo, options: Options) -> bytes:
        [outcome] = await _while_connected(request, service.detect([photo], options))
        findings = outcome.result
        if isinstance(findings, AnomalyError):
            raise findings

        def written() -> bytes:
            return answer.to_json(answer.detect_response(findings, options, outcome.elapsed_ms))

        # Masks take milliseconds to write, names and numbers a tenth of one.
        return await service.off_loop(written) if options.include_masks else written()

    async def detect(request: Request) -> bytes:
        content_type = _content_type(request)
        data = await body.read(request, limit)
        if content_type.startswith("image/") or content_type == "application/octet-stream":
            fields = wire.parse_file(request.query_params)
            return await one(request, Photo(data, fields.frame_id), fields.options(default_threshold))
        parsed = wire.parse_detect(_json_body(content_type, data))
        return await one(request, parsed.photos()[0], parsed.options(default_threshold))

    async def upload(request: Request) -> bytes:
        data = await body.read(request, limit)
        photo, texts = body.form(request.headers.get("content-type", ""), data)
        fields = wire.parse_file(texts)
        return await one(request, Photo(photo, fields.frame_id), fields.options(default_threshold))

    async def batch(request: Request) -> bytes:
        started = time.perf_counter()
        data = await body.read(request, limit)
        parsed = wire.parse_batch(_json_body(_content_type(request), data), service.limits)
        options = parsed.options(default_threshold)
        outcomes = await _while_connected(request, service.detect(parsed.photos(), options))
        elapsed_ms = (time.perf_counter() - started) * 1e3

        def written() -> bytes:
            return answer.to_json(answer.batch_response(outcomes, options, elapsed_ms))

        return await service.off_loop(written)

    return {"/detect": detect, "/detect/upload": upload, "/detect/batch": batch}


def routes(found: Mapping[str, Door]) -> APIRouter:
    """Return the doors as routes of the application."""
    router = APIRouter(tags=["detect"], responses=_FAILURES)

    @router.post("/detect", response_model=shapes.DetectResponse, openapi_extra=_DETECT_BODY)
    async def detect(request: Request) -> Response:
        """Find and measure the defects on one photograph: base64 in JSON, or the picture as the body."""
        return _json(await found["/detect"](request))

    @router.post("/detect/upload", response_model=shapes.DetectResponse, openapi_extra=_FORM_BODY)
    async def detect_upload(request: Request) -> Response:
        """Find and measure the defects on one photograph that comes as the file of a form."""
        return _json(await found["/detect/upload"](request))

    @router.post("/detect/batch", response_model=shapes.BatchResponse, openapi_extra=_BATCH_BODY)
    async def detect_batch(request: Request) -> Response:
        """Find and measure the defects on several photographs; one that cannot be read fails alone."""
        return _json(await found["/detect/batch"](request))

    return router


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _json_body(content_type: str, data: bytes) -> object:
    if content_type not in _JSON_TYPES:
        raise UnsupportedBody(
            f"a body of {content_type} is not read here; send application/json to any door, a picture with"
            " its image/... type to POST /detect, or a multipart form to POST /detect/upload"
        )
    return wire.from_json(data)


def _json(written: bytes) -> Response:
    return Response(written, media_type="application/json")


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
