"""What a client posts to /run and /runsync: bytes -> `Submission`, or what was expected instead."""

from typing import Any

import orjson

from anomaly.errors import InvalidRequest
from anomaly.simulator.job import Policy, Submission
from anomaly.simulator.limits import Limits


def parse(body: bytes, limits: Limits, *, sync: bool) -> Submission:
    """Read a request body (UTF-8 JSON with an `input`). Raises `InvalidRequest`."""
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(f"the body is not JSON: {error}") from error
    if not isinstance(request, dict) or "input" not in request:
        raise InvalidRequest('the body must be a JSON object with an "input"')
    webhook = request.get("webhook")
    if webhook is not None and not (isinstance(webhook, str) and webhook.startswith(("http://", "https://"))):
        raise InvalidRequest(f"webhook must be a URL that starts with http:// or https://, not {webhook!r}")
    return Submission(
        input=request["input"],
        sync=sync,
        webhook=webhook,
        s3_config=_section(request, "s3Config"),
        policy=_policy(_section(request, "policy") or {}, limits),
    )


def _section(request: dict[str, Any], name: str) -> dict[str, Any] | None:
    section = request.get(name)
    if section is not None and not isinstance(section, dict):
        raise InvalidRequest(f"{name} must be an object, not {section!r}")
    return section


def _policy(given: dict[str, Any], limits: Limits) -> Policy:
    low_priority = given.get("lowPriority", False)
    if not isinstance(low_priority, bool):
        raise InvalidRequest(f"policy.lowPriority must be true or false, not {low_priority!r}")
    timeout_ms = milliseconds(
        "policy.executionTimeout",
        given.get("executionTimeout", limits.execution_timeout_ms),
        limits.min_execution_timeout_ms,
        limits.max_execution_timeout_ms,
    )
    ttl_ms = milliseconds("policy.ttl", given.get("ttl", limits.ttl_ms), limits.min_ttl_ms, limits.max_ttl_ms)
    return Policy(timeout_ms / 1000, ttl_ms / 1000, low_priority)


def milliseconds(name: str, value: object, least: int, most: int) -> int:
    """Return `value`, a number or its digits, as milliseconds in `least`..`most`. Raises `InvalidRequest`."""
    try:
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise ValueError
        number = int(value)
    except ValueError:
        raise InvalidRequest(f"{name} must be a whole number of milliseconds, not {value!r}") from None
    if not least <= number <= most:
        raise InvalidRequest(f"{name} must be {least} to {most} milliseconds, not {number}")
    return number
