"""GET /results/{id} and POST /results/{id}/keep: answers that were kept in object storage."""

from collections.abc import Mapping

from fastapi import APIRouter, Request, Response

from anomaly.service import Service
from anomaly.serving.pod import body, document
from anomaly.serving.storing.filing import Filing
from anomaly.wire import answer
from anomaly.wire import request as wire
from anomaly.wire.options import StorageOptions

MOST_BYTES = 10_000
"""Of a body that names a bucket and no more."""


def routes(filing: Filing, service: Service) -> APIRouter:
    """Return the routes of results."""
    router = APIRouter(tags=["results"], responses=document.OF_RESULTS)

    @router.get("/results/{identity}", openapi_extra={"parameters": document.KEEP["parameters"]})
    async def find(identity: str, request: Request) -> Response:
        """Say where a result is, with new links to its files."""
        asked = wire.parse(StorageOptions, request.query_params)
        return _json(await filing.find(identity, asked))

    @router.post("/results/{identity}/keep", openapi_extra=document.KEEP)
    async def keep(identity: str, request: Request) -> Response:
        """Move a reviewed result to where nothing expires."""
        data = await body.read(request, MOST_BYTES)
        given = wire.from_json(data) if data else {}
        if isinstance(given, Mapping):  # what it says goes before what stands beside it
            given = {**request.query_params, **given}
        return _json(await filing.keep(identity, wire.parse(StorageOptions, given)))

    return router


def _json(value: object) -> Response:
    return Response(answer.to_json(value), media_type="application/json")
