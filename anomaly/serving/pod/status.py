"""GET /health and /info."""

from fastapi import APIRouter, Response

from anomaly.service import Service
from anomaly.wire import answer


def routes(service: Service) -> APIRouter:
    """Return the routes that say how the server is."""
    router = APIRouter(tags=["status"])

    @router.get("/health", responses={503: {"description": "Alive, but the models are not warm."}})
    async def health() -> Response:
        """Say whether the models are warm, on which device, and with what memory; 503 until they are."""
        return Response(
            answer.to_json(service.health()), 200 if service.ready else 503, media_type="application/json"
        )

    @router.get("/info")
    async def info() -> Response:
        """Say what is loaded and why: variants, classes, weights, memory plan, versions, limits."""
        return Response(answer.to_json(service.info()), media_type="application/json")

    return router
