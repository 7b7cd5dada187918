"""What a detector's label means, and which structure holds a defect. Pure."""

import logging
import re
import threading
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from anomaly.errors import ConfigurationError
from anomaly.types import Box, Mask, Structure

log = logging.getLogger(__name__)

UNKNOWN = "unknown"

# A crack that leaves its beam for a few pixels still is the beam's; one that only touches it is not.
_HELD_FROM = 0.5
_TOUCHED_FROM = 0.1
# Two structures that hold a defect about equally: a bearing drawn inside its girder, say.
_TIE = 0.05

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


@dataclass(frozen=True, slots=True)
class Held:
    """The structure that holds a defect, and how much of the defect, 0..1, lies on it.

    `uncertain`: less than half of the defect does.
    """

    structure: Structure
    ioa: float
    uncertain: bool


def structure_of(box: Box, mask: Mask | None, structures: Sequence[Structure]) -> Held | None:
    """Return the structure that holds a defect, None where none does.

    The measure is the share of the defect that lies on the structure, |defect n structure| / |defect|, on
    masks where both have one and on boxes otherwise; never the IoU, which a small defect on a large member
    fails. From 0.5 the structure holds it; from 0.1 it does so uncertainly; below, nothing is said. Among
    structures that are equally certain and within 0.05 of the best, the smallest is the most specific.
    """
    shares = [(share, each) for each in structures if (share := _share(box, mask, each)) >= _TOUCHED_FROM]
    if not shares:
        return None
    best = max(share for share, _ in shares)
    least = max(best - _TIE, _HELD_FROM if best >= _HELD_FROM else _TOUCHED_FROM)
    near = [(share, each) for share, each in shares if share >= least]
    if len(near) == 1:
        [(share, smallest)] = near
    else:
        masked = all(_has_pixels(each.mask) for _, each in near)
        share, smallest = min(near, key=lambda pair: (_area(pair[1], masked=masked), -pair[0]))
    return Held(smallest, share, share < _HELD_FROM)


def _share(box: Box, mask: Mask | None, structure: Structure) -> float:
    other = structure.mask
    if mask is not None and other is not None and mask.bitmap.any() and _has_pixels(other):
        return _common_pixels(mask, other) / mask.area
    # Asked for each defect with each structure: plain comparisons, and nothing for those that lie apart.
    near = structure.box
    left = box.x_min if box.x_min > near.x_min else near.x_min
    right = box.x_max if box.x_max < near.x_max else near.x_max
    if left >= right:
        return 0.0
    top = box.y_min if box.y_min > near.y_min else near.y_min
    bottom = box.y_max if box.y_max < near.y_max else near.y_max
    return (right - left) * (bottom - top) / box.area if top < bottom else 0.0


def _common_pixels(one: Mask, other: Mask) -> int:
    x_min, y_min = max(one.x, other.x), max(one.y, other.y)
    x_max = min(one.x + one.bitmap.shape[1], other.x + other.bitmap.shape[1])
    y_max = min(one.y + one.bitmap.shape[0], other.y + other.bitmap.shape[0])
    if x_min >= x_max or y_min >= y_max:
        return 0
    first, second = (
        each.bitmap[y_min - each.y : y_max - each.y, x_min - each.x : x_max - each.x] for each in (one, other)
    )
    return int(np.count_nonzero(first & second))


def _area(structure: Structure, *, masked: bool) -> float:
    return structure.mask.area if masked and structure.mask is not None else structure.box.area


def _has_pixels(mask: Mask | None) -> bool:
    return mask is not None and bool(mask.bitmap.any())


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
