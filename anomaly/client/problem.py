"""What a server says when it says no: a code, where it has one, and a sentence."""

import email.utils
import time
from collections.abc import Mapping

import orjson


def problem_of(value: object) -> tuple[str | None, str]:
    """Return the code, where there is one, and the sentence of an `error`: an object, its JSON text, or a text.

    A pod answers `{"error": {"code", "message"}}`, a job's error is that as text, and the platform's own and the
    SDK's are texts or objects with one of several names.
    """
    if isinstance(value, str):
        try:
            inner = orjson.loads(value)
        except orjson.JSONDecodeError:
            return None, value
        return problem_of(inner) if isinstance(inner, dict) else (None, value)
    if isinstance(value, Mapping):
        if "code" in value and "message" in value:
            return str(value["code"]), str(value["message"])
        for name in ("error", "error_message", "message", "detail"):
            if value.get(name):
                return problem_of(value[name])
    return None, str(value)


def retry_after(text: str) -> float | None:
    """Read the header in either of its forms (RFC 9110, 10.2.3), seconds from now; None where it is neither."""
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return None
