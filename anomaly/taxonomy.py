"""What a detector's label means. Pure."""

import logging
import re
import threading
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from anomaly.errors import ConfigurationError

log = logging.getLogger(__name__)

UNKNOWN = "unknown"

_REPORTED_AT_MOST = 1000
_SPELT_AT_MOST = 1000


class Kind(StrEnum):
    """What a label stands for: a defect, a structural member, or neither."""

    DEFECT = "defect"
    STRUCTURE = "structure"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Classified:
    """What a label means: `name` is the name on the wire, in snake_case; an unknown label's is the label."""

    kind: Kind
    name: str


class Taxonomy:
    """Labels and their meanings. Safe to share between threads."""

    def __init__(self, meanings: Mapping[str, Classified]) -> None:
        self._meanings = dict(meanings)
        self._spelt: dict[str, Classified] = {}  # labels as detectors write them, from the second time on
        self._reported: set[str] = set()
        self._lock = threading.Lock()

    @classmethod
    def from_table(cls, table: Mapping[str, object]) -> "Taxonomy":
        """Take over a parsed `taxonomy.toml`: `defects` and `structures` (name -> synonyms) and `other`.

        Raises `ConfigurationError`, naming the place, for a section that is missing or unknown, a name that
        is not snake_case, synonyms that are no list of texts, and a label with two meanings.
        """
        sections = {"defects": Kind.DEFECT, "structures": Kind.STRUCTURE, "other": Kind.OTHER}
        for section in table:
            if section not in sections:
                raise ConfigurationError(
                    f"taxonomy.toml: [{section}] means nothing; use {', '.join(sections)}."
                )
        meanings: dict[str, Classified] = {}
        for section, kind in sections.items():
            for name, label in _labels(table, section):
                known = meanings.setdefault(_key(label), Classified(kind, name))
                if known != Classified(kind, name):
                    raise ConfigurationError(
                        f"taxonomy.toml: {label!r} stands under {known.name} and under {name}; keep one."
                    )
        return cls(meanings)

    def classify(self, label: str) -> Classified:
        """Return what `label` means; case, spaces, hyphens, underscores and a plural's "s" do not matter.

        An unknown label is a defect under its own name, and is reported in the log once.
        """
        known = self._spelt.get(label)
        if known is not None:
            return known
        known = self._lookup(label)
        if known is not None:
            if len(self._spelt) < _SPELT_AT_MOST:
                self._spelt[label] = known
            return known
        self._report(label)
        return Classified(Kind.DEFECT, label.strip() or UNKNOWN)

    def knows_defects(self, labels: Iterable[str]) -> bool:
        """Tell whether a detector with these labels can find a defect; an unknown label may be one."""
        meanings = [self._lookup(label) for label in labels]
        return any(known is None or known.kind is Kind.DEFECT for known in meanings)

    def _lookup(self, label: str) -> Classified | None:
        key = _key(label)
        return self._meanings.get(key) or self._meanings.get(key.removesuffix("s"))

    def _report(self, label: str) -> None:
        with self._lock:
            if label in self._reported or len(self._reported) >= _REPORTED_AT_MOST:
                return
            self._reported.add(label)
        log.warning(
            "the label %r is in no list of taxonomy.toml: it is answered as a defect under that name", label
        )


def _labels(table: Mapping[str, object], section: str) -> list[tuple[str, str]]:
    """Return (name, label) for each label of a section; a name is a label too, but for those of `other`."""
    rows = table.get(section, {} if section == "other" else None)
    if not isinstance(rows, Mapping):
        raise ConfigurationError(f"taxonomy.toml lacks the table [{section}]: name = [synonyms].")
    labels = []
    for name, synonyms in rows.items():
        if not re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", name):
            raise ConfigurationError(f"taxonomy.toml: [{section}] {name!r} should be snake_case.")
        if not isinstance(synonyms, list) or not all(
            isinstance(each, str) and _key(each) for each in synonyms
        ):
            raise ConfigurationError(f"taxonomy.toml: [{section}] {name} should be a list of texts.")
        labels += [(name, label) for label in (synonyms if section == "other" else [name, *synonyms])]
    return labels


def _key(label: str) -> str:
    """Return the letters and digits of a label in lower case: "ExposedRebars" as "exposed rebars"."""
    return "".join(each for each in unicodedata.normalize("NFKC", label).casefold() if each.isalnum())
