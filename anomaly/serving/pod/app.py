"""The HTTP application, assembled: the routes of each noun, and the one shape of errors."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from anomaly import __version__
from anomaly.service import Service
from anomaly.serving.pod import access, detect, failures, page, status
from anomaly.serving.pod.access import OPEN_TO_ALL, Access
from anomaly.serving.pod.draining import Turnstile
from anomaly.serving.pod.trace import Trace


def create_app(service: Service, default_threshold: float, admitted: Access = OPEN_TO_ALL) -> FastAPI:
    """Return the application. The service is started by its caller and closed with the application."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        service.close()

    app = FastAPI(
        title="Anomaly server",
        description="Photographs of structures in; measured, located, structured defects out.",
        version=__version__,
        lifespan=lifespan,
    )
    doors = detect.doors(service, default_threshold)
    app.include_router(detect.routes(doors))
    app.include_router(status.routes(service))
    app.include_router(page.routes())
    failures.install(app)
    app.add_middleware(detect.Doors, doors)
    access.install(app, admitted)
    app.add_middleware(Trace)
    app.add_middleware(Turnstile, service)
    return app
