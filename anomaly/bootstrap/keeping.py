"""What the HTTP server keeps: jobs in its queue, answers in object storage."""

import logging
from pathlib import Path

from anomaly.errors import ConfigurationError
from anomaly.jobs import Jobs, Postman, Store
from anomaly.outbound import anywhere, is_public
from anomaly.service import Service
from anomaly.serving.handling import handler
from anomaly.serving.pod.jobs import handle
from anomaly.serving.storing.filing import Filing
from anomaly.serving.storing.shelf import Shelf
from anomaly.settings import Settings

log = logging.getLogger(__name__)


def queue(settings: Settings, service: Service) -> Jobs:
    """Return the queue that `settings` describe, over `service`, not yet started.

    Raises `ConfigurationError` where STATE_PATH cannot be used.
    """
    permits = anywhere if settings.allow_private_urls else is_public
    secret = settings.webhook_secret
    work = handler(
        service,
        settings.confidence_threshold,
        most_bytes=settings.max_request_bytes,
        shelf=Shelf(settings.storage, permits),
    )
    return Jobs(
        _store(settings),
        handle(work),
        Postman(permits, None if secret is None else secret.get_secret_value()),
        at_once=settings.jobs_at_once,
        most_waiting=settings.jobs_waiting,
        keep_s=settings.results_keep_s,
        retry_s=settings.retry_keep_s,
    )


def filing(settings: Settings) -> Filing:
    """Return what keeps answers in object storage, as `settings` describe it."""
    permits = anywhere if settings.allow_private_urls else is_public
    return Filing(Shelf(settings.storage, permits), settings.results_keep_s)


def _store(settings: Settings) -> Store:
    if settings.state_path is not None:
        return Store(settings.state_path / "jobs.sqlite3")
    try:
        home = Path.home() / ".local" / "state" / "anomaly-server"
        return Store(home / str(settings.http_port) / "jobs.sqlite3")
    except (ConfigurationError, RuntimeError) as error:  # a read-only root, no home, a second server
        log.warning("a restart will lose the jobs: %s", error)
        return Store(None)
