"""The facts of `configs/variants.toml`: what each network is and how much memory it takes.

Memory is in MB of 2**20 bytes. One process loads one detector and one segmenter at the most, and pays for
its CUDA context once: the memory of a pair at batch b is

    context + (detector - context) + (segmenter - context) + (b - 1) * (what each adds per photograph)

where `detector` and `segmenter` are each network's whole process alone at batch 1, as the operator's guide
states them. The two run one after the other and share torch's cache, so that the sum is an upper bound.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from anomaly.errors import ConfigurationError
from anomaly.vram.reading import Section


@dataclass(frozen=True, slots=True)
class Memory:
    """What a network takes, MB.

    `reckoned_mb` is the whole process with this network alone at batch 1, CUDA context and slack included,
    in either precision; `source` is "published" or "estimated", and `why` says how it was estimated.
    `per_image_mb` is what each further photograph of a batch adds; its source is "measured" or "estimated".
    `published_mb` is what the operator's guide states, on the same terms as `reckoned_mb`, and `measured_mb`
    what torch allocated, without context and slack, by precision and batch; absent where unknown.
    """

    reckoned_mb: int
    source: str
    per_image_mb: int
    per_image_source: str
    why: str = ""
    published_mb: int | None = None
    measured_mb: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Variant:
    """One network that can be loaded. `key` names it within its section, `title` is for people.

    `size` is None where its backend knows one size only. `resolution` is the side, in pixels, of the square
    that it works on. `repo` is the Hugging Face repository that holds the file `weights` too, `gated` where
    its licence is to be accepted first; `size_bytes`, `sha256` and `md5` are the file's. `coco_ap` (50:95) and
    `latency_t4_ms` (TensorRT fp16, batch 1) are as published.
    """

    key: str
    backend: str
    size: str | None
    title: str
    weights: str
    licence: str
    resolution: int
    parameters: int
    memory: Memory
    needs_card: bool = False
    url: str | None = None
    repo: str | None = None
    gated: bool = False
    size_bytes: int | None = None
    sha256: str | None = None
    md5: str | None = None
    decoder_layers: int | None = None
    coco_ap: float | None = None
    latency_t4_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Combination:
    """A pair for which the operator's guide states a figure, MB from and to."""

    detector: str
    segmenter: str
    published_mb: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Table:
    """All variants, the best first in each section, and what holds for all of them."""

    context_mb: int
    batch_room: int
    batch_largest: int
    batch_without_card: int
    detectors: tuple[Variant, ...]
    segmenters: tuple[Variant, ...]
    combinations: tuple[Combination, ...] = ()

    @classmethod
    def from_toml(cls, document: Mapping[str, object]) -> "Table":
        """Check and take over a parsed `variants.toml`.

        Raises `ConfigurationError`, naming the place, for what is missing, unknown, of the wrong type, out
        of range, or out of order: within a section memory must fall from one row to the next.
        """
        top = Section("variants.toml", document)
        card, batch = top.section("card"), top.section("batch")
        context_mb = card.whole("context_mb", least=0)
        card.text("context_why")
        table = cls(
            context_mb=context_mb,
            batch_room=batch.whole("room"),
            batch_largest=batch.whole("largest"),
            batch_without_card=batch.whole("without_card"),
            detectors=_variants(top.section("detectors"), context_mb),
            segmenters=_variants(top.section("segmenters"), context_mb),
            combinations=tuple(_combination(each) for each in top.sections("combinations")),
        )
        for section in (card, batch, top):
            section.end()
        for pair in table.combinations:
            table.detector(pair.detector)
            table.segmenter(pair.segmenter)
        return table

    def detector(self, key: str) -> Variant:
        """Return the detector of that key. Raises `ConfigurationError`, naming those that there are."""
        return _named(key, self.detectors, "detector variant")

    def segmenter(self, key: str) -> Variant:
        """Return the segmenter of that key. Raises `ConfigurationError`, naming those that there are."""
        return _named(key, self.segmenters, "segmenter")

    def needs_mb(self, detector: Variant | None, segmenter: Variant | None, batch: int = 1) -> int:
        """Return the memory of one process with both, MB, at `batch` photographs; 0 with neither."""
        loaded = [each.memory for each in (detector, segmenter) if each is not None]
        if not loaded:
            return 0
        alone = sum(each.reckoned_mb - self.context_mb for each in loaded)
        further = sum(each.per_image_mb for each in loaded)
        return self.context_mb + alone + (batch - 1) * further

    def batch_within(self, free_mb: int, detector: Variant | None, segmenter: Variant | None) -> int:
        """Return the largest batch that fits into `free_mb`, at most `batch_largest`; 0 if not even one."""
        spare_mb = free_mb - self.needs_mb(detector, segmenter)
        if spare_mb < 0:
            return 0
        further_mb = self.needs_mb(detector, segmenter, 2) - self.needs_mb(detector, segmenter)
        return min(self.batch_largest, 1 + spare_mb // further_mb) if further_mb else self.batch_largest


def _named(key: str, variants: tuple[Variant, ...], what: str) -> Variant:
    for each in variants:
        if each.key == key:
            return each
    known = ", ".join(each.key for each in variants)
    raise ConfigurationError(f"There is no {what} {key!r}: use one of {known}.")


def _variants(rows: Section, context_mb: int) -> tuple[Variant, ...]:
    variants = tuple(_variant(key, rows.section(key)) for key in rows)
    if not variants:
        raise ConfigurationError(f"{rows.where} is empty: at least one variant is expected.")
    for better, worse in pairwise(variants):
        if worse.memory.reckoned_mb >= better.memory.reckoned_mb:
            raise ConfigurationError(
                f"{rows.where}: {worse.key} needs no less memory than {better.key} before it; "
                "order the rows from the best to the smallest."
            )
    if variants[-1].memory.reckoned_mb < context_mb:
        raise ConfigurationError(
            f"{rows.where}.{variants[-1].key}: memory.reckoned_mb is less than the card.context_mb "
            f"({context_mb}) that it includes."
        )
    return variants


def _variant(key: str, row: Section) -> Variant:
    variant = Variant(
        key=key,
        backend=row.text("backend"),
        size=row.text_or_none("size"),
        title=row.text("title"),
        weights=row.text("weights"),
        licence=row.text("licence"),
        resolution=row.whole("resolution"),
        parameters=row.whole("parameters"),
        memory=_memory(row.section("memory")),
        needs_card=row.flag("needs_card"),
        url=row.text_or_none("url"),
        repo=row.text_or_none("repo"),
        gated=row.flag("gated"),
        size_bytes=row.whole_or_none("size_bytes"),
        sha256=row.text_or_none("sha256"),
        md5=row.text_or_none("md5"),
        decoder_layers=row.whole_or_none("decoder_layers"),
        coco_ap=row.number_or_none("coco_ap"),
        latency_t4_ms=row.number_or_none("latency_t4_ms"),
    )
    row.end()
    return variant


def _memory(row: Section) -> Memory:
    source = row.text("source", among=("published", "estimated"))
    measured = row.section("measured_mb") if "measured_mb" in row else None
    memory = Memory(
        reckoned_mb=row.whole("reckoned_mb"),
        source=source,
        per_image_mb=row.whole("per_image_mb"),
        per_image_source=row.text("per_image_source", among=("measured", "estimated")),
        why=row.text("why") if source == "estimated" else "",
        published_mb=row.whole_or_none("published_mb"),
        measured_mb={} if measured is None else {key: measured.whole(key) for key in measured},
    )
    row.end()
    if source == "published" and memory.published_mb != memory.reckoned_mb:
        raise ConfigurationError(
            f"{row.where}: reckoned_mb is said to be as published, and published_mb is another number."
        )
    return memory


def _combination(row: Section) -> Combination:
    low, high = row.pair("published_mb")
    pair = Combination(row.text("detector"), row.text("segmenter"), (low, high))
    row.end()
    return pair
