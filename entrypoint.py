"""Settings -> service -> pod or serverless; nothing else."""

import sys

from anomaly import logs
from anomaly.bootstrap import build
from anomaly.errors import AnomalyError
from anomaly.serving import pod, worker
from anomaly.settings import Settings


def main() -> None:
    """Serve until told to stop. A setting that cannot work ends the process with a sentence and status 1."""
    try:
        settings = Settings.read()
        logs.configure(settings.log_level, settings.log_format)
        service = build(settings)
        if settings.serverless:
            worker.serve(
                service,
                settings.confidence_threshold,
                concurrency=settings.runpod_concurrency,
                jobs_max=settings.worker_jobs_max,
            )
        else:
            access = pod.Access.read(settings.api_keys, settings.rate_limit, settings.cors_origins)
            pod.serve(service, settings.confidence_threshold, settings.api_host, settings.api_port, access)
    except AnomalyError as error:
        sys.exit(f"{error.code}: {error}")


if __name__ == "__main__":
    main()
