"""Settings -> service -> pod or serverless; nothing else."""

import os
import signal
import sys
from contextlib import ExitStack

from anomaly import logs
from anomaly.errors import AnomalyError
from anomaly.serving.pulse import Pulse
from anomaly.settings import Settings


def main() -> None:
    """Serve until told to stop. A setting that cannot work ends the process with a sentence and status 1."""
    # A container's first process ignores a signal that it has no handler for. Nothing is lost here yet.
    signal.signal(signal.SIGTERM, lambda number, frame: os._exit(0))
    try:
        settings = Settings.read()
        logs.configure(settings.log_level, settings.log_format)
        with ExitStack() as stack:
            pulse = None
            if settings.pulse_port is not None:
                pulse = stack.enter_context(Pulse(settings.api_host, settings.pulse_port))
            serve(settings, pulse)
    except AnomalyError as error:
        sys.exit(f"{error.code}: {error}")


def serve(settings: Settings, pulse: Pulse | None) -> None:
    """Build the service and serve it, in the mode that `settings` say."""
    # Imported here, as it takes seconds and the load balancer asks from the first moment.
    from anomaly.bootstrap import build, filing, manifest, queue
    from anomaly.serving import pod, worker

    service = build(settings)
    if settings.serverless:
        worker.serve(
            service,
            settings.confidence_threshold,
            concurrency=settings.runpod_concurrency,
            jobs_max=settings.worker_jobs_max,
            storage=settings.storage,
            private_urls=settings.allow_private_urls,
            published={each.file: each.sha256 for each in manifest() if each.sha256},
        )
        return
    if pulse is not None:
        pulse.status = lambda: pod.pulse_of(service)
    access = pod.Access.read(settings.api_keys, settings.rate_limit, settings.cors_origins)
    pod.serve(
        service,
        settings.confidence_threshold,
        settings.api_host,
        settings.http_port,
        access,
        settings.drain_s,
        queue(settings, service),
        filing(settings),
        settings.root_path or "",
        pod.Uploads(settings.max_bodies_bytes, settings.body_timeout_s),
    )


if __name__ == "__main__":
    main()
