"""Where the vocabulary of SAM 3's text encoder is: CLIP's byte-pair merges, which its wheel leaves out."""

import gzip
import importlib.util
import zlib
from collections.abc import Iterator
from pathlib import Path

from anomaly.errors import WeightsError

FILE = "bpe_simple_vocab_16e6.txt.gz"

_PACKAGES = ("sam3", "open_clip", "clip")  # those that ship the file, some in some versions


def find(given: Path | None, beside: Path) -> Path:
    """Return the vocabulary file: `given`, or in the folder `beside`, or in an installed package.

    Raises `WeightsError` where there is none, or where it is not gzip-compressed text.
    """
    for candidate in [given] if given else _candidates(beside):
        if candidate.is_file():
            _check(candidate)
            return candidate
    raise WeightsError(
        f"SAM 3 finds words with CLIP's vocabulary, {given.name if given else FILE!r}, which is not there. "
        f"Put {FILE} beside the weights, or install the package open_clip_torch, which ships it."
    )


def _candidates(beside: Path) -> Iterator[Path]:
    yield beside / FILE
    for package in _PACKAGES:
        spec = importlib.util.find_spec(package)
        for folder in (spec and spec.submodule_search_locations) or ():
            yield Path(folder) / FILE
            yield Path(folder) / "assets" / FILE
            yield Path(folder).parent / "assets" / FILE


def _check(path: Path) -> None:
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            if any(len(line.split()) == 2 for line in list(file)[1:]):
                return
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise WeightsError(f"{path.name!r} is damaged: expected CLIP's vocabulary, {FILE}.") from error
    raise WeightsError(f"{path.name!r} holds no byte-pair merges: expected CLIP's vocabulary, {FILE}.")
