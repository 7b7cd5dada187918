"""A webhook's signature proves who sent which body, and when."""

import hashlib
import hmac
import time

import pytest

from anomaly.errors import ConfigurationError
from anomaly.webhooks import HEADER, TOLERANCE_S, InvalidSignature, sign, verify

BODY = b'{"id": "1", "status": "COMPLETED"}'
NOW = 1_800_000_000


def test_the_header_is_the_hmac_of_time_and_body() -> None:
    """The header is what its description says, reckoned here once more."""
    digest = hmac.new(b"secret", f"{NOW}.".encode() + BODY, hashlib.sha256).hexdigest()
    assert sign(BODY, "secret", NOW) == f"t={NOW},v1={digest}"
    assert HEADER == "X-Anomaly-Signature"


def test_what_was_signed_is_accepted() -> None:
    """A body signed now, by the clock, is accepted now, and the moment of its signing comes back."""
    assert abs(verify(BODY, sign(BODY, "secret"), "secret") - time.time()) < 5


@pytest.mark.parametrize("at", [NOW - TOLERANCE_S, NOW, NOW + TOLERANCE_S])
def test_a_clock_may_be_off_within_the_tolerance(at: float) -> None:
    """Five minutes to either side are allowed."""
    assert verify(BODY, sign(BODY, "secret", at), "secret", now=NOW) == at


@pytest.mark.parametrize(("at", "what"), [(NOW - 301, "301 s ago"), (NOW + 301, "301 s ahead")])
def test_what_is_too_old_or_from_the_future_is_refused(at: float, what: str) -> None:
    """Beyond the tolerance a true signature is refused too, and the message says by how much it is off."""
    with pytest.raises(InvalidSignature, match=what):
        verify(BODY, sign(BODY, "secret", at), "secret", now=NOW)


def test_another_body_or_secret_is_refused() -> None:
    """One changed byte of the body, or another secret, and it does not match."""
    header = sign(BODY, "secret", NOW)
    with pytest.raises(InvalidSignature, match="does not match"):
        verify(BODY + b" ", header, "secret", now=NOW)
    with pytest.raises(InvalidSignature, match="does not match"):
        verify(BODY, header, "another", now=NOW)


def test_the_time_is_signed_too() -> None:
    """An old signature does not become new by another time in front of it."""
    old = sign(BODY, "secret", NOW - 1000)
    with pytest.raises(InvalidSignature, match="does not match"):
        verify(BODY, old.replace(str(NOW - 1000), str(NOW)), "secret", now=NOW)


def test_secrets_change_without_a_gap() -> None:
    """Either side may know two secrets for a while: one in common is enough."""
    assert verify(BODY, sign(BODY, "old", NOW), ["new", "old"], now=NOW)
    assert verify(BODY, sign(BODY, ["new", "old"], NOW), "old", now=NOW)
    assert verify(BODY, sign(BODY, ["new", "old"], NOW), "new", now=NOW)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "nonsense",
        "t=1",
        "v1=ab",
        "t=x,v1=ab",
        "t=-1,v1=ab",
        "t=1,t=2,v1=ab",
        "t=1,v1=\xe9",
        "t=²,v1=a",
    ],
)
def test_a_malformed_header_is_refused(header: str | None) -> None:
    """Whatever is no signature is refused with a sentence that names the header."""
    with pytest.raises(InvalidSignature, match=HEADER):
        verify(BODY, header, "secret", now=NOW)


@pytest.mark.parametrize("secrets", ["", [], ["good", ""]])
def test_an_empty_secret_is_no_secret(secrets: str | list[str]) -> None:
    """Neither side works with an empty secret, which anybody could guess."""
    with pytest.raises(ConfigurationError, match="secret is empty"):
        sign(BODY, secrets, NOW)
    with pytest.raises(ConfigurationError, match="secret is empty"):
        verify(BODY, sign(BODY, "good", NOW), secrets, now=NOW)
