"""Pod mode: the service over HTTP."""

from anomaly.serving.pod.access import Access
from anomaly.serving.pod.app import create_app
from anomaly.serving.pod.intake import Uploads
from anomaly.serving.pod.server import serve
from anomaly.serving.pod.status import pulse_of

__all__ = ["Access", "Uploads", "create_app", "pulse_of", "serve"]
