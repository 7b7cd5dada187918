"""Settings -> service -> pod or serverless; nothing else."""

import logging
import sys

from anomaly.bootstrap import build
from anomaly.errors import AnomalyError
from anomaly.serving import pod, worker
from anomaly.settings import Settings


def main() -> None:
    """Serve until told to stop. A setting that cannot work ends the process with a sentence and status 1."""
    try:
        settings = Settings.read()
        logging.basicConfig(
            level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
        )
        service = build(settings)
        if settings.serverless:
            worker.serve(
                service,
                settings.confidence_threshold,
                concurrency=settings.runpod_concurrency,
                jobs_max=settings.worker_jobs_max,
            )
        else:
            pod.serve(service, settings.confidence_threshold, settings.api_host, settings.api_port)
    except AnomalyError as error:
        sys.exit(f"{error.code}: {error}")


if __name__ == "__main__":
    main()
