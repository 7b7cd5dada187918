"""Serverless mode: the service as a RunPod worker."""

from anomaly.serving.worker.handler import handler
from anomaly.serving.worker.startup import serve

__all__ = ["handler", "serve"]
