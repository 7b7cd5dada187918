"""The composition root: settings in, a service out. The only place that knows every part by name."""

from anomaly import machine
from anomaly.bootstrap.files import manifest, places
from anomaly.bootstrap.keeping import filing, queue
from anomaly.bootstrap.load import load
from anomaly.bootstrap.steps import Steps, since_exec_ms
from anomaly.imaging.fetch import Fetcher
from anomaly.outbound import anywhere, is_public
from anomaly.results import Results
from anomaly.service import Service
from anomaly.settings import Settings

__all__ = ["build", "filing", "load", "manifest", "places", "queue"]


def build(settings: Settings) -> Service:
    """Return the service that `settings` describe, not yet started."""
    program_ms = since_exec_ms()
    return Service(
        lambda: load(settings, Steps({} if program_ms is None else {"program": program_ms})),
        limits=settings.limits,
        max_waiting=settings.max_waiting,
        cpu_threads=settings.cpu_threads or machine.cores(),
        fetcher=Fetcher(
            settings.limits, anywhere if settings.allow_private_urls else is_public, settings.fetch_timeout_s
        ),
        results=Results(settings.result_cache_mb, settings.result_cache_path),
    )
