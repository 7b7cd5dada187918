"""One signature: written, and held against a body. Pure, but for the clock where no moment is given."""

import hashlib
import hmac
import time
from collections.abc import Sequence

from anomaly.errors import ConfigurationError, InputError

HEADER = "X-Anomaly-Signature"
"""Name of the header."""

TOLERANCE_S = 300.0
"""How far the sender's clock and a delivery may be off: what is older may be a replay."""

_VERSION = "v1"


class InvalidSignature(InputError):
    """A webhook's signature is missing, malformed, too old, or of another secret or body."""

    code = "invalid_signature"


def sign(body: bytes, secret: str | Sequence[str], at: float | None = None) -> str:
    """Return the header's value for `body`, the very bytes to be sent.

    With several secrets it carries a signature of each, so that a receiver may change over when it likes.
    `at` is unix seconds; now if left out. Raises `ConfigurationError` for a secret that is empty.
    """
    moment = int(time.time() if at is None else at)
    digests = [f"{_VERSION}={_digest(each, moment, body)}" for each in _known(secret)]
    return ",".join([f"t={moment}", *digests])


def verify(
    body: bytes,
    header: str | None,
    secrets: str | Sequence[str],
    *,
    tolerance_s: float = TOLERANCE_S,
    now: float | None = None,
) -> int:
    """Return when `body` was signed, unix seconds, or raise `InvalidSignature`.

    `header` is the value of `X-Anomaly-Signature`, None where there was none. One of `secrets` is enough: give
    the old and the new one while they change. Digests are compared in constant time. `now` is unix seconds; the
    clock's if left out. Raises `ConfigurationError` where there is no secret to hold it against.
    """
    known = _known(secrets)
    moment, digests = _parts(header)
    expected = [_digest(each, moment, body) for each in known]
    # Every pair is compared, so that the time taken does not tell which secret it was.
    hits = [hmac.compare_digest(one, other) for one in digests for other in expected]
    if not any(hits):
        raise InvalidSignature(
            f"{HEADER} does not match the body under any known secret; use the sender's secret, and the body's"
            " bytes as they came"
        )
    age_s = (time.time() if now is None else now) - moment
    if abs(age_s) > tolerance_s:
        raise InvalidSignature(
            f"{HEADER} was made {abs(age_s):.0f} s {'ago' if age_s > 0 else 'ahead of this clock'} and"
            f" {tolerance_s:.0f} s are allowed; check both clocks, else it is a replay"
        )
    return moment


def _digest(secret: str, moment: int, body: bytes) -> str:
    return hmac.new(secret.encode(), b"%d." % moment + body, hashlib.sha256).hexdigest()


def _known(secrets: str | Sequence[str]) -> list[str]:
    known = [secrets] if isinstance(secrets, str) else list(secrets)
    if not known or not all(known):
        raise ConfigurationError("a webhook's secret is empty; give the text that sender and receiver share")
    return known


def _parts(header: str | None) -> tuple[int, list[str]]:
    if not header:
        raise InvalidSignature(f"there is no {HEADER}; the sender has no secret, or it is someone else")
    pairs = [each.strip().partition("=") for each in header.split(",")]
    moments = [value for name, _, value in pairs if name == "t"]
    # compare_digest takes ASCII text only, and a digest is no other.
    digests = [value for name, _, value in pairs if name == _VERSION and value.isascii()]
    if len(moments) != 1 or not (moments[0].isascii() and moments[0].isdigit()) or not digests:
        raise InvalidSignature(f"{HEADER} is not of the form t=<unix seconds>,v1=<hex>: got {header[:80]!r}")
    if len(moments[0]) > 15:
        raise InvalidSignature(f"{HEADER} names a moment that no clock shows: {moments[0][:40]}")
    return int(moments[0]), digests
