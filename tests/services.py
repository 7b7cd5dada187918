"""Services built as in production, with the fake models that ship."""

from anomaly.bootstrap import build
from anomaly.service import Service
from anomaly.settings import Settings


def warm_service(**settings: object) -> Service:
    """Return a warm service with the fake backends, or with what `settings` say instead."""
    defaults: dict[str, object] = {
        "detector_backend": "fake",
        "segmenter_backend": "fake",
        "cpu_threads": 2,
        "measuring_processes": 0,
        "result_cache_mb": 0,  # the same photograph comes again, and is to reach the models
    }
    service = build(Settings(**{**defaults, **settings}))  # type: ignore[arg-type]
    service.start()
    service.wait()
    return service
