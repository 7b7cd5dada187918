"""A job's input: what the HTTP doors take, with `stream`; or a probe."""

from typing import Any

import pytest

from anomaly.errors import InvalidRequest, TooManyImages
from anomaly.types import Limits
from anomaly.wire.job import Probe, Work, parse_job
from anomaly.wire.request import BatchRequest, DetectRequest


def parsed(value: object) -> Work:
    """Parse what is no probe."""
    work = parse_job(value, Limits(max_images=2))
    assert isinstance(work, Work)
    return work


@pytest.mark.parametrize(
    ("fields", "kind"), [({"image": "x"}, DetectRequest), ({"images": ["x"]}, BatchRequest)]
)
@pytest.mark.parametrize("stream", [None, False, True])
def test_a_job_is_a_request_that_may_ask_for_a_stream(
    fields: dict[str, Any], kind: type, stream: bool | None
) -> None:
    """`stream` stands beside the fields of the HTTP doors, and is false if left out."""
    work = parsed(fields if stream is None else {**fields, "stream": stream})
    assert isinstance(work.request, kind)
    assert work.stream is bool(stream)


@pytest.mark.parametrize("stream", [1, "true", None, []])
def test_a_stream_is_asked_for_by_true_alone(stream: object) -> None:
    """Neither a text nor a number will do."""
    with pytest.raises(InvalidRequest, match="stream must be true or false"):
        parsed({"image": "x", "stream": stream})


def test_a_probe_is_a_question_of_its_own() -> None:
    """{"probe": true} asks what is loaded."""
    assert parse_job({"probe": True}, Limits()) == Probe()


@pytest.mark.parametrize("value", [{"probe": False}, {"probe": 1.5}, {"probe": True, "image": "x"}])
def test_a_probe_holds_nothing_else(value: object) -> None:
    """What is neither a probe nor a request is said to be wrong."""
    with pytest.raises(InvalidRequest, match="a probe is"):
        parse_job(value, Limits())


def test_what_is_wrong_with_a_request_is_said_as_at_the_other_doors() -> None:
    """The checks of the HTTP doors apply."""
    with pytest.raises(InvalidRequest, match="imagee is not a field"):
        parsed({"image": "x", "imagee": "y"})
    with pytest.raises(TooManyImages):
        parsed({"images": ["x"] * 3, "stream": True})
    with pytest.raises(InvalidRequest, match="expected an object"):
        parsed(None)
