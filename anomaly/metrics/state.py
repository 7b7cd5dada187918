"""How the service stands at the moment it is asked: read from what /health and /info say."""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

Told = Callable[[], Mapping[str, object]]

_GAUGES = {
    "queue.waiting": ("anomaly_queue_waiting", "Photographs that wait for the models."),
    "queue.limit": ("anomaly_queue_limit", "Photographs that may wait."),
    "queue.max_batch": ("anomaly_batch_limit", "Photographs that the models see at once at most."),
    "embeddings.entries": ("anomaly_embedding_cache_entries", "Photographs whose embeddings are kept."),
    "embeddings.size_bytes": ("anomaly_embedding_cache_bytes", "Memory that they take."),
    "results.entries": ("anomaly_result_cache_entries", "Answers that are kept."),
    "results.size_bytes": ("anomaly_result_cache_bytes", "Memory that they take."),
    "jobs.IN_QUEUE": ("anomaly_jobs_waiting", "Jobs that wait."),
    "jobs.IN_PROGRESS": ("anomaly_jobs_running", "Jobs in work."),
    "uptime_s": ("anomaly_uptime_seconds", "Since the process began."),
    "resident_mb": ("anomaly_resident_megabytes", "Resident memory, MB of 2**20 bytes."),
    "memory.free_mb": ("anomaly_device_free_megabytes", "Free memory of the device, MB of 2**20 bytes."),
    "memory.total_mb": ("anomaly_device_total_megabytes", "Memory of the device, MB of 2**20 bytes."),
    "ready": ("anomaly_ready", "1 where the models are warm."),
}
_COUNTERS = {
    "embeddings.hits": ("anomaly_embedding_cache_hits", "Photographs that cost no encoder."),
    "embeddings.misses": ("anomaly_embedding_cache_misses", "Photographs that did."),
    "results.hits": ("anomaly_result_cache_hits", "Requests answered without a model."),
    "results.misses": ("anomaly_result_cache_misses", "Requests that were not."),
}


class State(Collector):
    """Reads figures out of mappings, nested ones by `outer.inner`; what is not there is left out."""

    def __init__(self, *told: Told) -> None:
        self._told = told

    def collect(self) -> Iterator[Metric]:
        """Yield what is known now."""
        known = {name: value for told in self._told for name, value in _flat(told())}
        for key, (name, text) in _GAUGES.items():
            if key in known:
                yield GaugeMetricFamily(name, text, known[key])
        for key, (name, text) in _COUNTERS.items():
            if key in known:
                yield CounterMetricFamily(name, text, known[key])


def _flat(told: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, float]]:
    for name, value in told.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, int | float):
            yield f"{prefix}{name}", float(value)
