"""What servers say when they say no."""

import time
from email.utils import formatdate

import pytest

from anomaly.client.problem import problem_of, retry_after


@pytest.mark.parametrize(
    ("said", "understood"),
    [
        ({"error": {"code": "queue_full", "message": "later"}}, ("queue_full", "later")),
        ('{"error": {"code": "queue_full", "message": "later"}}', ("queue_full", "later")),
        ({"error": '{"error": {"code": "corrupt_image", "message": "broken"}}'}, ("corrupt_image", "broken")),
        ({"error_type": "<class 'ValueError'>", "error_message": "no input"}, (None, "no input")),
        ({"detail": "Not Found"}, (None, "Not Found")),
        ("executionTimeout exceeded", (None, "executionTimeout exceeded")),
        ("[1, 2]", (None, "[1, 2]")),
        (None, (None, "None")),
    ],
)
def test_every_shape_of_a_refusal_is_read(said: object, understood: tuple[str | None, str]) -> None:
    """A pod's object, a job's text with the object in it, the SDK's and the platform's own words."""
    assert problem_of(said) == understood


def test_retry_after_in_both_its_forms() -> None:
    """Seconds or a date; what is neither is no wish."""
    assert retry_after("7") == 7.0
    assert retry_after(formatdate(time.time() + 60, usegmt=True)) == pytest.approx(60, abs=3)
    assert retry_after(formatdate(time.time() - 60, usegmt=True)) == 0.0
    assert retry_after("") is None
    assert retry_after("soon") is None
