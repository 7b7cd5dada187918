"""Our own server round the small network: the product's service and doors, with a detector of twenty lines."""

import sys
from collections.abc import Sequence
from pathlib import Path

from anomaly.bootstrap import tables
from anomaly.pipeline import Pipeline
from anomaly.service import Loaded, Service
from anomaly.serving import pod
from anomaly.settings import Settings
from anomaly.types import Box, Detection, Image, ModelCard
from benchmarks.serving import task


class Network:
    """The network that every server of the benchmark runs, as a Detector."""

    def __init__(self, path: Path) -> None:
        self._model = task.network(str(path))
        self.card = ModelCard("network", classes=task.LABELS, note="random weights, for the benchmark")

    def detect(
        self, images: Sequence[Image], threshold: float, keys: Sequence[str] = ()
    ) -> list[list[Detection]]:
        """Return the twenty boxes of each photograph that score at least `threshold`."""
        return [
            [each for each in _detections(image, boxes) if each.score >= threshold]
            for image, boxes in zip(images, self._model(images), strict=True)
        ]


def _detections(image: Image, boxes: task.Boxes) -> list[Detection]:
    height, width = image.shape[:2]
    return [
        Detection(
            Box(x * width, y * height, (x + w) * width, (y + h) * height),
            task.LABELS[number % len(task.LABELS)],
            score,
        )
        for number, (x, y, w, h, score) in enumerate(boxes.tolist())
    ]


def main() -> None:
    """Serve as `entrypoint.py` does, by the same settings."""
    port, path = sys.argv[1:]
    settings = Settings.read()

    def load() -> Loaded:
        pipeline = Pipeline(Network(Path(path)), None, tables.taxonomy(), tables.standards())
        return Loaded(pipeline, settings.max_batch or task.MAX_BATCH, {}, dict)

    service = Service(
        load, limits=settings.limits, max_waiting=settings.max_waiting, cpu_threads=settings.cpu_threads or 2
    )
    pod.serve(service, settings.confidence_threshold, settings.api_host, int(port))


if __name__ == "__main__":
    main()
