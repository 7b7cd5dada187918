"""What an operator watches, in Prometheus' form; each service has a meter of its own."""

from anomaly.metrics.meter import MEDIA_TYPE, Meter
from anomaly.metrics.state import State
from anomaly.metrics.timed import TimedDetector, TimedSegmenter

__all__ = ["MEDIA_TYPE", "Meter", "State", "TimedDetector", "TimedSegmenter"]
