"""Whether what was deployed does its job: it is asked about the sample, over the network, as a user would."""

import time
from pathlib import Path
from typing import Any

import httpx

from anomaly.client import Client, ClientError, Pace
from anomaly.errors import ConfigurationError

SAMPLE = Path(__file__).resolve().parents[1] / "samples" / "crack.jpg"

POD = "https://{id}-{port}.proxy.runpod.net"
"""RunPod's proxy of a pod's HTTP port."""

ANSWERS = "https://api.runpod.ai/v2/{id}"
"""RunPod's queue of an endpoint."""

BALANCER = "https://{id}.api.runpod.ai"


def address(way: str, made: dict[str, Any], port: int) -> str:
    """Return where what was made is asked: what the platform says of it, else what its guide says."""
    urls = made.get("requestUrls") or {}
    if way == "queue":
        told = str(urls.get("runSync", ""))
        return told.removesuffix("/runsync") if told else ANSWERS.format(id=made["id"])
    if way == "load-balancer":
        return str(urls.get("base") or BALANCER.format(id=made["id"]))
    return POD.format(id=made["id"], port=port)


def test(url: str, api_key: str, way: str, *, within_s: float) -> str:
    """Return a sentence on what was found on the sample. Waits for a cold start.

    Raises `ConfigurationError` where there is no right answer within `within_s`.
    """
    until = time.monotonic() + within_s
    if way != "queue":
        _wait(f"{url}/ping", api_key, until)
    pace = Pace()
    try:
        with Client(url, api_key, timeout_s=max(until - time.monotonic(), 1.0), pace=pace) as client:
            if way == "queue":
                result = client.submit(SAMPLE).result(max(until - time.monotonic(), 1.0))
            else:
                result = client.detect(SAMPLE)
    except ClientError as error:
        raise ConfigurationError(f"{url} gave no answer on the sample: {error}.") from error
    anomalies = getattr(result, "anomalies", ())
    if not anomalies:
        raise ConfigurationError(f"{url} answers, but finds nothing on the sample, which shows a crack.")
    return f"{url} found {len(anomalies)} on the sample, the surest a {anomalies[0].defect_type}"


def _wait(url: str, api_key: str, until: float) -> None:
    status = "nothing"
    while time.monotonic() < until:
        try:
            status = str(
                httpx.get(url, headers={"Authorization": f"Bearer {api_key}"}, timeout=10).status_code
            )
            if status == "200":
                return
        except httpx.TransportError:
            status = "nothing"
        time.sleep(min(1.0, max(until - time.monotonic(), 0.0)))
    raise ConfigurationError(f"{url} never answered 200, at last {status}: the container's log says why.")
