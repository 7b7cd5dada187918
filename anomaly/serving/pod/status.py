"""GET /health, /ping, /info and /metrics."""

from collections.abc import Sequence

from fastapi import APIRouter, Response, params
from fastapi.responses import PlainTextResponse

from anomaly.metrics import MEDIA_TYPE
from anomaly.service import Service
from anomaly.serving.pod.failures import LATER_S
from anomaly.serving.pulse import LOADING, READY, UNFIT
from anomaly.wire import answer


def pulse_of(service: Service) -> int:
    """Return what `/ping` answers for a service."""
    if service.ready:
        return READY
    return LOADING if service.loading else UNFIT


def routes(service: Service, locks: Sequence[params.Depends] = ()) -> APIRouter:
    """Return the routes that say how the server is; `locks` are on those that ask for a key."""
    router = APIRouter(tags=["status"])

    @router.get("/health", responses={503: {"description": "Alive, but the models are not warm."}})
    async def health() -> Response:
        """Say whether the models are warm, on which device, and with what memory; 503 until they are."""
        later = {} if service.ready else {"Retry-After": str(LATER_S)}
        status = 503 if later else 200
        return Response(answer.to_json(service.health()), status, later, media_type="application/json")

    @router.get(
        "/ping",
        response_class=Response,
        responses={
            200: {"description": "Ready.", "content": {}},
            204: {"description": "The models are loading."},
            503: {"description": "Stopping, or failed.", "content": {}},
        },
    )
    async def ping() -> Response:
        """Say the same to a load balancer, by the status alone: 204 loading, 200 ready, 503 stopping."""
        return Response(status_code=pulse_of(service))

    @router.get("/info", dependencies=locks)
    async def info() -> Response:
        """Say what is loaded and why: variants, classes, weights, memory plan, versions, limits."""
        return Response(answer.to_json(service.info()), media_type="application/json")

    @router.get("/metrics", response_class=PlainTextResponse, dependencies=locks)
    async def metrics() -> Response:
        """Say what an operator watches, in Prometheus' text format."""
        return Response(service.meter.exposition(), media_type=MEDIA_TYPE)

    return router
