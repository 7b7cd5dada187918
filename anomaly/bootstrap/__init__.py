"""The composition root: settings in, a service out. The only place that knows every part by name."""

import os
from functools import partial

from anomaly.bootstrap.load import load
from anomaly.service import Service
from anomaly.settings import Settings

__all__ = ["build", "load"]


def build(settings: Settings) -> Service:
    """Return the service that `settings` describe, not yet started."""
    return Service(
        partial(load, settings),
        limits=settings.limits,
        max_waiting=settings.max_waiting,
        cpu_threads=settings.cpu_threads or os.cpu_count() or 1,
    )
