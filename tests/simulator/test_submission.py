import pytest

from anomaly.errors import InvalidRequest
from anomaly.simulator.job import Policy
from anomaly.simulator.limits import Limits
from anomaly.simulator.submission import parse


def test_everything_a_client_may_say_is_read() -> None:
    """Input, webhook, bucket and policy arrive, the policy in seconds."""
    body = (
        b'{"input": {"a": 1}, "webhook": "https://h/", "s3Config": {"bucketName": "b"},'
        b' "policy": {"executionTimeout": 900000, "ttl": 3600000, "lowPriority": true}}'
    )
    submission = parse(body, Limits(), sync=True)
    assert (submission.input, submission.sync, submission.webhook) == ({"a": 1}, True, "https://h/")
    assert submission.s3_config == {"bucketName": "b"}
    assert submission.policy == Policy(900, 3600, True)


def test_what_is_not_said_is_the_platforms_default() -> None:
    """Ten minutes to run, a day to live, ordinary priority."""
    assert parse(b'{"input": null}', Limits(), sync=False).policy == Policy(600, 86_400, False)


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"{", "not JSON"),
        (b"[]", '"input"'),
        (b'{"prompt": 1}', '"input"'),
        (b'{"input": NaN}', "not JSON"),
        (b'{"input": 1, "webhook": "ftp://h/"}', "webhook"),
        (b'{"input": 1, "webhook": 7}', "webhook"),
        (b'{"input": 1, "s3Config": "b"}', "s3Config"),
        (b'{"input": 1, "policy": []}', "policy"),
        (b'{"input": 1, "policy": {"lowPriority": "yes"}}', "lowPriority"),
        (b'{"input": 1, "policy": {"executionTimeout": 4999}}', "5000"),
        (b'{"input": 1, "policy": {"executionTimeout": true}}', "executionTimeout"),
        (b'{"input": 1, "policy": {"ttl": 9999}}', "10000"),
        (b'{"input": 1, "policy": {"ttl": 604800001}}', "604800000"),
        (b'{"input": 1, "policy": {"ttl": "soon"}}', "ttl"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_was_expected(body: bytes, complaint: str) -> None:
    """Each unusable request is refused, and the message names the culprit."""
    with pytest.raises(InvalidRequest, match=complaint):
        parse(body, Limits(), sync=False)
