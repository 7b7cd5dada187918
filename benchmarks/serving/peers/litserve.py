"""LitServe: its API servers take requests, one worker process decodes, batches and runs the model."""

import sys
from typing import Any

import litserve
from starlette.datastructures import UploadFile

from benchmarks.serving import task


class Detect(litserve.LitAPI):
    """Decode, predict on what came together, encode."""

    def setup(self, device: str) -> None:
        """Load the model in the worker."""
        self.model = task.model(sys.argv[2])

    def decode_request(self, request):  # type: ignore[no-untyped-def] # an annotation would change what comes
        """Read a form's file, or base64."""
        file = request.get("file")
        return (
            task.decode(file.file.read())
            if isinstance(file, UploadFile)
            else task.decode_text(request["image"])
        )

    def batch(self, inputs: list[task.Picture]) -> list[task.Picture]:
        """Leave the photographs a list: they differ in size."""
        return inputs

    def predict(self, x: list[task.Picture]) -> list[dict[str, Any]]:
        """Run the model once on all of them."""
        return [task.answer(picture, boxes) for picture, boxes in zip(x, self.model(x), strict=True)]

    def unbatch(self, output: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Give each caller its own."""
        return output

    def encode_response(self, output: dict[str, Any]) -> dict[str, Any]:
        """Answer as it is."""
        return output


if __name__ == "__main__":
    api = Detect(max_batch_size=task.MAX_BATCH, batch_timeout=task.BATCH_WAIT_MS / 1e3, api_path="/detect")
    server = litserve.LitServer(api, accelerator="cpu", fast_queue=True)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", generate_client_file=False)
