"""`python -m tests.serving.lost PORT FOLDER`: a pod whose card is lost with the first photo that is looked at."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from anomaly import logs
from anomaly.bootstrap import queue, tables
from anomaly.errors import AnomalyError, DeviceLost
from anomaly.pipeline import Pipeline
from anomaly.service import Loaded, Service
from anomaly.serving import pod
from anomaly.settings import Settings
from anomaly.types import Detection, Image, Limits, ModelCard

LOADING_S = 2.0
"""For so long jobs can be handed in before the card is used."""


class Lost:
    """A detector whose card fails after the warm-up, as the real ones tell it."""

    card = ModelCard("lost", classes=("crack",))

    def __init__(self) -> None:
        self._calls = 0

    def detect(
        self, images: Sequence[Image], threshold: float, keys: Sequence[str] = ()
    ) -> list[list[Detection]]:
        """Answer nothing once, and then fail for good."""
        self._calls += 1
        if self._calls == 1:
            return [[] for _ in images]
        raise DeviceLost("the card answers no more")


def main(port: int, folder: Path) -> None:
    """Serve as the entry point does."""

    def load() -> Loaded:
        time.sleep(LOADING_S)
        pipeline = Pipeline(Lost(), None, tables.taxonomy(), tables.standards())
        return Loaded(pipeline, 1, {}, lambda: {"device": "cuda"})

    logs.configure("info", "text")
    service = Service(load, limits=Limits(), max_waiting=4, cpu_threads=1)
    jobs = queue(Settings(state_path=folder, jobs_at_once=2), service)
    try:
        pod.serve(service, 0.3, "127.0.0.1", port, queue=jobs)
    except AnomalyError as error:
        sys.exit(f"{error.code}: {error}")


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
