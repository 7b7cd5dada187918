"""Pod mode: the service over HTTP."""

from anomaly.serving.pod.app import create_app
from anomaly.serving.pod.server import serve

__all__ = ["create_app", "serve"]
