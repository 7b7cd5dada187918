"""What a job's `input` may hold: a request as the HTTP doors take it, with `stream`; or a probe."""

from collections.abc import Mapping
from dataclasses import dataclass

from anomaly.errors import InvalidRequest
from anomaly.types import Limits
from anomaly.wire.request import BatchRequest, DetectRequest, parse_input


@dataclass(frozen=True, slots=True)
class Work:
    """Photographs to look at. `stream` asks for an answer to each as soon as it is there."""

    request: DetectRequest | BatchRequest
    stream: bool


@dataclass(frozen=True, slots=True)
class Probe:
    """The question what `GET /info` answers: what is loaded, from where, and how the start went."""


def parse_job(value: object, limits: Limits) -> Work | Probe:
    """Check a job's `input`. Raises `InvalidRequest` and `TooManyImages`."""
    if not isinstance(value, Mapping):
        return Work(parse_input(value, limits), stream=False)
    if "probe" in value:
        if dict(value) != {"probe": True}:
            raise InvalidRequest('a probe is {"probe": true} and holds nothing else')
        return Probe()
    stream = value.get("stream", False)
    if not isinstance(stream, bool):
        raise InvalidRequest(f"stream must be true or false; got {type(stream).__name__}")
    return Work(parse_input({name: each for name, each in value.items() if name != "stream"}, limits), stream)
