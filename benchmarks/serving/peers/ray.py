"""Ray Serve: one replica of a FastAPI deployment, with its own batching in front of the model."""

import asyncio
import os
import signal
import sys
from typing import Any

import ray
from fastapi import FastAPI, UploadFile
from pydantic import BaseModel
from ray import serve

from benchmarks.serving import task

app = FastAPI()


class Body(BaseModel):
    """One photograph in base64."""

    image: str


@serve.deployment(max_ongoing_requests=100, logging_config={"enable_access_log": False})
@serve.ingress(app)
class Detect:
    """Decode in threads, batch, answer."""

    def __init__(self, model: str) -> None:
        self.model = task.model(model)

    @serve.batch(max_batch_size=task.MAX_BATCH, batch_wait_timeout_s=task.BATCH_WAIT_MS / 1e3)
    async def boxes(self, pictures: list[task.Picture]) -> list[task.Boxes]:
        """Run the model once on what came together."""
        return await asyncio.to_thread(self.model, pictures)

    @app.post("/detect")
    async def detect(self, body: Body) -> dict[str, Any]:
        """Read base64."""
        picture = await asyncio.to_thread(task.decode_text, body.image)
        return task.answer(picture, await self.boxes(picture))

    @app.post("/detect/upload")
    async def upload(self, file: UploadFile) -> dict[str, Any]:
        """Read a form's file."""
        picture = await asyncio.to_thread(task.decode, await file.read())
        return task.answer(picture, await self.boxes(picture))


if __name__ == "__main__":
    os.environ["PYTHONPATH"] = os.getcwd()  # for the workers
    ray.init(include_dashboard=False, num_cpus=4, logging_level="warning", object_store_memory=200_000_000)
    serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[1])})
    serve.run(Detect.bind(sys.argv[2]))
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    ray.shutdown()
