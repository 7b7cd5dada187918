"""The keys that open the server, kept as digests."""

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Self

SHORTEST = 16
"""Least characters of a key. A key is random, so a plain SHA-256 of it needs no salt and no stretching."""

_HASHED = re.compile(r"sha256:([0-9a-fA-F]{64})")


@dataclass(frozen=True, slots=True)
class Keyring:
    """SHA-256 digests of the keys that open; the keys themselves are not kept."""

    digests: tuple[bytes, ...]

    @classmethod
    def read(cls, text: str) -> Self:
        """Read keys separated by commas: each as it is, or as `sha256:` and the 64 hex digits of its digest.

        Raises `ValueError` for a key of fewer than `SHORTEST` characters or of others than a header
        carries, and never repeats one.
        """
        entries = [entry.strip() for entry in text.split(",") if entry.strip()]
        if not entries:
            raise ValueError("there is no key in it; give one or more, separated by commas")
        return cls(tuple(map(_digest, entries)))

    def holder(self, key: str) -> str | None:
        """Return eight hex digits that name the key in logs and limits, None where it opens nothing.

        Compares with every digest in constant time, so that the time tells nothing.
        """
        given = hashlib.sha256(key.encode()).digest()
        matches = [hmac.compare_digest(given, each) for each in self.digests]
        return given.hex()[:8] if any(matches) else None


def _digest(entry: str) -> bytes:
    hashed = _HASHED.fullmatch(entry)
    if hashed is not None:
        return bytes.fromhex(hashed[1])
    if len(entry) < SHORTEST:
        raise ValueError(
            f"a key has {len(entry)} characters and needs {SHORTEST}; make one with `openssl rand -hex 32`"
        )
    if not (entry.isascii() and entry.isprintable()):
        raise ValueError(
            "a key has characters that no header carries; use letters and digits without accents"
        )
    return hashlib.sha256(entry.encode()).digest()
