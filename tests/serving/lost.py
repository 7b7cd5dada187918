"""`python -m tests.serving.lost PORT FOLDER`: a pod whose card is lost with the first photo that is looked at."""

import sys
import time
from pathlib import Path

from anomaly import logs
from anomaly.bootstrap import queue, tables
from anomaly.errors import AnomalyError, DeviceLost
from anomaly.pipeline import Pipeline
from anomaly.service import Loaded, Service
from anomaly.serving import pod
from anomaly.settings import Settings
from anomaly.types import Limits
from tests.serving.failing import Failing

LOADING_S = 2.0
"""For so long jobs can be handed in before the card is used."""


def main(port: int, folder: Path) -> None:
    """Serve as the entry point does."""

    def load() -> Loaded:
        time.sleep(LOADING_S)
        pipeline = Pipeline(
            Failing(DeviceLost("the card answers no more")), None, tables.taxonomy(), tables.standards()
        )
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
