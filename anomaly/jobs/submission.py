"""What a caller hands in at `/run` and `/runsync`."""

import hashlib
import uuid
from collections.abc import Mapping
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict, Field, field_validator

from anomaly.wire import request as wire

MOST_TTL_MS = 604_800_000
"""A week: as long as RunPod keeps a job at most."""


class Policy(BaseModel):
    """How long a job may wait and run, ms, and whether it stands back behind others. RunPod's defaults."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ttl: int = Field(86_400_000, ge=10_000, le=MOST_TTL_MS, description="It may wait so long, ms.")
    executionTimeout: int = Field(  # noqa: N815 - RunPod's name
        600_000, ge=5_000, le=MOST_TTL_MS, description="It may run so long, ms."
    )
    lowPriority: bool = Field(False, description="Others come first.")  # noqa: N815 - RunPod's name


class Submission(BaseModel):
    """One job as it was handed in. `input` is what `/detect` or `/detect/batch` takes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    input: dict[str, Any] = Field(min_length=1)
    webhook: str | None = Field(
        None,
        max_length=8192,
        pattern=r"^https?://",
        description="Told of the end; public addresses only, unless ALLOW_PRIVATE_URLS=true.",
    )
    s3Config: dict[str, str] | None = Field(  # noqa: N815 - RunPod's name
        None, description="A bucket for what is too large: accessId, accessSecret, bucketName, endpointUrl."
    )
    policy: Policy = Policy()

    @field_validator("webhook")
    @classmethod
    def _is_an_address(cls, webhook: str | None) -> str | None:
        try:
            host = webhook is None or httpx.URL(webhook).host
        except (httpx.InvalidURL, UnicodeError):
            host = ""
        if not host:
            raise ValueError("webhook is not an address; give one such as https://example.com/done")
        return webhook


def parse(value: object) -> Submission:
    """Check what was handed in, as parsed from JSON. Raises `InvalidRequest`."""
    return wire.parse(Submission, value)


def identity_of(asked: bytes, key: str | None) -> str:
    """Return the id of a job: always the same for what is handed in under the same key, else one of its own."""
    if key is None:
        return f"job_{uuid.uuid4().hex}"
    name = key.encode()
    return f"job_{hashlib.sha256(b'%d:%b%b' % (len(name), name, asked)).hexdigest()[:32]}"


def policy_of(asked: Mapping[str, Any]) -> Policy:
    """Return the policy of a job, which was checked when it was handed in."""
    return Policy.model_construct(**asked.get("policy", {}))
