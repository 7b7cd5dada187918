"""POST /detect, /detect/batch and /detect/upload."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

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


class _Plain(APIRoute):
    """A route that stands in the OpenAPI document, and calls its function with the request, no more.

    Nothing here is left to FastAPI to parse or to write, and its looking for that costs every request.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        return self.endpoint


def routes(service: Service, default_threshold: float) -> APIRouter:
    """Return the routes that take photographs."""
    router = APIRouter(tags=["detect"], responses=_FAILURES, route_class=_Plain)
    limit = service.limits.max_request_bytes

    async def one(request: Request, photo: Photo, options: Options) -> Response:
        [outcome] = await _while_connected(request, service.detect([photo], options))
        findings = outcome.result
        if isinstance(findings, AnomalyError):
            raise findings

        def written() -> bytes:
            return answer.to_json(answer.detect_response(findings, options, outcome.elapsed_ms))

        # Masks take milliseconds to write, names and numbers a tenth of one.
        return _json(await service.off_loop(written) if options.include_masks else written())

    @router.post("/detect", response_model=shapes.DetectResponse, openapi_extra=_DETECT_BODY)
    async def detect(request: Request) -> Response:
        """Find and measure the defects on one photograph: base64 in JSON, or the picture as the body."""
        content_type = _content_type(request)
        data = await body.read(request, limit)
        if content_type.startswith("image/") or content_type == "application/octet-stream":
            fields = wire.parse_file(request.query_params)
            return await one(request, Photo(data, fields.frame_id), fields.options(default_threshold))
        parsed = wire.parse_detect(_json_body(content_type, data))
        return await one(request, parsed.photos()[0], parsed.options(default_threshold))

    @router.post("/detect/upload", response_model=shapes.DetectResponse, openapi_extra=_FORM_BODY)
    async def detect_upload(request: Request) -> Response:
        """Find and measure the defects on one photograph that comes as the file of a form."""
        data, texts = await body.read_form(request, limit)
        fields = wire.parse_file(texts)
        return await one(request, Photo(data, fields.frame_id), fields.options(default_threshold))

    @router.post("/detect/batch", response_model=shapes.BatchResponse, openapi_extra=_BATCH_BODY)
    async def detect_batch(request: Request) -> Response:
        """Find and measure the defects on several photographs; one that cannot be read fails alone."""
        started = time.perf_counter()
        data = await body.read(request, limit)
        parsed = wire.parse_batch(_json_body(_content_type(request), data), service.limits)
        options = parsed.options(default_threshold)
        outcomes = await _while_connected(request, service.detect(parsed.photos(), options))
        elapsed_ms = (time.perf_counter() - started) * 1e3

        def written() -> bytes:
            return answer.to_json(answer.batch_response(outcomes, options, elapsed_ms))

        return _json(await service.off_loop(written))

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
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_cancel_on_leaving(request, working))
    try:
        return await working
    except asyncio.CancelledError:
        if leaving.done():
            raise CallerGone("the caller hung up") from None
        raise
    finally:
        leaving.cancel()


async def _cancel_on_leaving(request: Request, working: "asyncio.Future[Any]") -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    working.cancel()
