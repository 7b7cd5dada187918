"""Whether a weights file is the one that the manifest knows."""

import hashlib
from pathlib import Path

from anomaly.errors import WeightsError
from anomaly.weights.entry import Entry


def sha256(path: Path) -> str:
    """Return a file's SHA-256 in hexadecimal; about 2 s for each GB."""
    return _digest(path, "sha256")


def verify(path: Path, entry: Entry) -> str:
    """Return the file's SHA-256, having held size and hash against `entry` as far as it knows them.

    Raises `WeightsError` that says what was expected; the cheapest check comes first.
    """
    size = path.stat().st_size
    if entry.size_bytes not in (None, size):
        raise WeightsError(
            f"{path.name} has {size:,} bytes and should have {entry.size_bytes:,}: it is damaged, cut off, or"
            f" another file. Delete it and fetch it again from {entry.origin}."
        )
    found = sha256(path)
    for name, expected in (("sha256", entry.sha256), ("md5", entry.md5)):
        if expected is None:
            continue
        actual = found if name == "sha256" else _digest(path, "md5")
        if actual != expected.lower():
            raise WeightsError(
                f"The {name} of {path.name} is {actual} and should be {expected}: it is damaged, or another"
                f" file. Delete it and fetch it again from {entry.origin}."
            )
    return found


def _digest(path: Path, name: str) -> str:
    with path.open("rb") as file:
        if name == "sha256":
            return hashlib.file_digest(file, "sha256").hexdigest()
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
