"""The HTTP application, assembled: the routes of each noun, and the one shape of errors."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.types import ASGIApp

from anomaly import __version__
from anomaly.jobs import Jobs
from anomaly.metrics import State
from anomaly.service import Service
from anomaly.serving.pod import access, detect, docs, failures, jobs, page, results, status
from anomaly.serving.pod.access import OPEN_TO_ALL, Access
from anomaly.serving.pod.draining import Turnstile
from anomaly.serving.pod.heads import Heads
from anomaly.serving.pod.intake import BY_MEMORY, Intake, Uploads
from anomaly.serving.pod.prefix import Inside, Outside
from anomaly.serving.pod.trace import Trace
from anomaly.serving.storing.filing import Filing
from anomaly.serving.storing.shelf import Shelf


class Application(FastAPI):
    """FastAPI with what is added here outside of its own layers, not between them.

    So an answer at a door passes none of those. What they are for, errors that nobody expected, `Trace` does.
    """

    def build_middleware_stack(self) -> ASGIApp:
        """Return the application as it is called."""
        added, self.user_middleware = self.user_middleware, []
        try:
            app = super().build_middleware_stack()
        finally:
            self.user_middleware = added
        for layer, args, kwargs in reversed(added):
            app = layer(app, *args, **kwargs)
        return app


def create_app(
    service: Service,
    default_threshold: float,
    admitted: Access = OPEN_TO_ALL,
    queue: Jobs | None = None,
    filing: Filing | None = None,
    root_path: str = "",
    uploads: Uploads = BY_MEMORY,
) -> FastAPI:
    """Return the application. The service is started by its caller and closed with the application.

    So is the `queue`, which the application starts; without one it takes no jobs. `filing` keeps answers in
    object storage; without one, in a caller's own alone. `root_path`, such as `/anomaly`, stands before all paths
    where a proxy serves this server below it. `uploads` bounds what is read at once.
    """
    filing = filing or Filing(Shelf())

    async def ready() -> None:
        while not service.ready:
            await asyncio.sleep(0.1)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if queue is not None:
            await queue.start(ready)
        expiring = asyncio.create_task(filing.watch())
        yield
        expiring.cancel()
        if queue is not None:
            await queue.close()
        service.close()

    app = Application(
        title="Anomaly server",
        description="Photographs of structures in; measured, located, structured defects out.",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,  # these two lead to files elsewhere
        redoc_url=None,
    )
    doors = detect.doors(service, default_threshold, filing, queue)
    locks = access.locks(admitted)
    app.include_router(detect.routes(doors), dependencies=locks)
    app.include_router(status.routes(service, locks))
    if queue is not None:
        app.include_router(jobs.routes(queue, service), dependencies=locks)
        service.meter.registry.register(State(queue.told))
    app.include_router(results.routes(filing, service), dependencies=locks)
    app.include_router(page.routes())
    docs.install(app)
    failures.install(app)
    if root_path:
        app.add_middleware(Inside, root_path)
    app.add_middleware(detect.Doors, doors)
    app.add_middleware(Heads)
    app.add_middleware(Intake, uploads, service.limits.max_request_bytes)
    access.install(app, admitted)
    app.add_middleware(Turnstile, service)
    # Outside of all that refuses: a browser asks first without a key, and shows no refusal that it may not read.
    if admitted.origins:
        app.add_middleware(access.readable, admitted)
    app.add_middleware(Trace, service.meter, frozenset(doors), access.readable(failures.unexpected, admitted))
    if root_path:
        app.add_middleware(Outside, root_path)
    return app
