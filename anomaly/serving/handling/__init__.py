"""What is done with a job, wherever it came from: the pod's queue and the worker's loop hand it in here."""

from anomaly.serving.handling.handler import Handler, handler

__all__ = ["Handler", "handler"]
