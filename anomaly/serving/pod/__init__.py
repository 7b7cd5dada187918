"""Pod mode: the service over HTTP."""

from anomaly.serving.pod.access import Access
from anomaly.serving.pod.app import create_app
from anomaly.serving.pod.server import serve

__all__ = ["Access", "create_app", "serve"]
