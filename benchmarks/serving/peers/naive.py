"""FastAPI as its tutorial shows: plain functions, run in the thread pool, one photograph a call of the model."""

import sys
from typing import Any

import uvicorn
from fastapi import FastAPI, UploadFile
from pydantic import BaseModel

from benchmarks.serving import task


class Body(BaseModel):
    """One photograph in base64."""

    image: str


def create_app(model: task.Model) -> FastAPI:
    """Return the application."""
    app = FastAPI()

    @app.post("/detect")
    def detect(body: Body) -> dict[str, Any]:
        picture = task.decode_text(body.image)
        return task.answer(picture, model([picture])[0])

    @app.post("/detect/upload")
    def upload(file: UploadFile) -> dict[str, Any]:
        picture = task.decode(file.file.read())
        return task.answer(picture, model([picture])[0])

    return app


if __name__ == "__main__":
    uvicorn.run(create_app(task.model(sys.argv[2])), port=int(sys.argv[1]), log_level="warning")
