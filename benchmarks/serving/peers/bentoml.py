"""BentoML: a service that decodes and answers, in front of one that batches adaptively and runs the model."""

import os
import sys
from typing import Any

import bentoml
import numpy as np
from PIL import Image

from benchmarks.serving import task


@bentoml.service(workers=1, traffic={"timeout": 60}, logging={"access": {"enabled": False}})
class Model:
    """The model, one process."""

    def __init__(self) -> None:
        self.model = task.model(os.environ["BENCHMARK_MODEL"])

    @bentoml.api(batchable=True, max_batch_size=task.MAX_BATCH, max_latency_ms=60_000)
    def boxes(self, pictures: list[np.ndarray]) -> list[np.ndarray]:
        """Run the model once on what came together."""
        return list(self.model(pictures))


@bentoml.service(workers=2, traffic={"timeout": 60}, logging={"access": {"enabled": False}})
class Detect:
    """The doors, two processes."""

    model = bentoml.depends(Model)

    @bentoml.api(route="/detect")
    async def detect(self, image: str) -> dict[str, Any]:
        """Read base64."""
        return await self._answer(task.decode_text(image))

    @bentoml.api(route="/detect/upload")
    async def upload(self, file: Image.Image) -> dict[str, Any]:
        """Read a form's file."""
        return await self._answer(np.asarray(file.convert("RGB")))

    async def _answer(self, picture: task.Picture) -> dict[str, Any]:
        [boxes] = await self.model.to_async.boxes([picture])
        return task.answer(picture, np.asarray(boxes))


if __name__ == "__main__":
    port, os.environ["BENCHMARK_MODEL"] = sys.argv[1:]
    os.environ["BENTOML_DO_NOT_TRACK"] = "True"
    here = "benchmarks.serving.peers.bentoml:Detect"
    serve = [sys.executable, "-m", "bentoml", "serve", here, "--host", "127.0.0.1", "--port", port]
    os.execv(sys.executable, serve)  # noqa: S606
