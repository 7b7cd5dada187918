"""A deployment as RunPod's REST API (v2) wants it: https://docs.runpod.io/api-reference-v2. Pure."""

from typing import Any

from deploying.config import Deployment

VOLUME_ON_POD = "/workspace"


def collection(deployment: Deployment) -> tuple[str, str]:
    """Return the path under which its kind is kept, and the key of a listing."""
    return ("/v2/pods", "pods") if deployment.way == "pod" else ("/v2/serverless", "endpoints")


def container(deployment: Deployment) -> dict[str, Any]:
    """Return what pods and endpoints share."""
    ports = [] if deployment.way == "queue" else [f"{deployment.port}/http"]
    return {
        "image": deployment.image,
        "disk": deployment.disk_gb,
        "ports": ports,
        "env": deployment.variables(),
        **({"registry": deployment.registry} if deployment.registry else {}),
    }


def to_create(deployment: Deployment) -> dict[str, Any]:
    """Return the body that creates it."""
    body = {"name": deployment.name, **container(deployment)}
    if deployment.data_centers:
        body["dataCenterIds"] = list(deployment.data_centers)
    gpu = deployment.gpu
    if deployment.way == "pod":
        body["gpu"] = {"id": gpu.card, "count": gpu.count, "minCudaVersion": gpu.min_cuda}
        if deployment.volume:
            body["mounts"] = {"network": [{"volumeId": deployment.volume, "path": VOLUME_ON_POD}]}
        return body
    body["type"] = "QUEUE" if deployment.way == "queue" else "LOAD_BALANCER"
    return body | _scaled(deployment)


def to_update(deployment: Deployment) -> dict[str, Any]:
    """Return the body that makes what is there into it: a pod keeps its card and its volume, which are fixed."""
    body = container(deployment)
    return body if deployment.way == "pod" else body | _scaled(deployment)


def _scaled(deployment: Deployment) -> dict[str, Any]:
    gpu, workers = deployment.gpu, deployment.workers
    scaling: dict[str, Any] = {"type": "REQUEST_COUNT", "requestCount": workers.requests}
    if deployment.way == "queue":
        scaling = {"type": "QUEUE_DELAY", "queueDelay": workers.queue_delay_s}
    return {
        "gpu": {"pools": list(gpu.pools), "count": gpu.count, "minCudaVersion": gpu.min_cuda},
        "workers": {"min": workers.min, "max": workers.max, "idleTimeout": workers.idle_timeout_s},
        "scaling": scaling,
        "timeout": workers.execution_timeout_s * 1000,
        "flashboot": "FLASHBOOT" if workers.flashboot else "OFF",
        **({"networkVolumes": [deployment.volume]} if deployment.volume else {}),
    }
