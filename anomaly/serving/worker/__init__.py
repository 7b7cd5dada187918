"""Serverless mode: the service as a RunPod worker."""

from anomaly.serving.worker.startup import serve

__all__ = ["serve"]
