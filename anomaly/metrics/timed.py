"""Models that are timed, in the place of those that are not."""

from collections.abc import Sequence

from anomaly.metrics.meter import Meter
from anomaly.ports import Detector, Segmenter
from anomaly.types import Box, Detection, Image, Mask


class TimedDetector:
    """A detector whose batches are the stage `detect`."""

    def __init__(self, detector: Detector, meter: Meter) -> None:
        self.card = detector.card
        self._detector, self._meter = detector, meter

    def detect(
        self, images: Sequence[Image], threshold: float, keys: Sequence[str] = ()
    ) -> list[list[Detection]]:
        """Detect as `ports.Detector` says."""
        with self._meter.stage("detect"):
            return self._detector.detect(images, threshold, keys)


class TimedSegmenter:
    """A segmenter whose batches are the stage `segment`."""

    def __init__(self, segmenter: Segmenter, meter: Meter) -> None:
        self.card = segmenter.card
        self._segmenter, self._meter = segmenter, meter

    def segment(
        self, images: Sequence[Image], boxes: Sequence[Sequence[Box]], keys: Sequence[str] = ()
    ) -> list[list[Mask]]:
        """Segment as `ports.Segmenter` says."""
        with self._meter.stage("segment"):
            return self._segmenter.segment(images, boxes, keys)
