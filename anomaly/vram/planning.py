"""What to load: the wish where it fits, and otherwise the nearest that does, said aloud.

Preferences are one ordered list of pairs, and the first that fits is taken. What fits grows with the
memory, so that more memory never gives a pair further down the list, nor a smaller batch of the same pair.
"""

import math
from dataclasses import dataclass
from typing import Literal

from anomaly.errors import ConfigurationError, DoesNotFit
from anomaly.vram.table import Table, Variant
from anomaly.vram.wish import Ladder, Pair, Precision, Wish, detectors, preferences, segmenters

Why = Literal["memory", "no file", "no card"]


@dataclass(frozen=True, slots=True)
class StepDown:
    """Something smaller than asked for: titles of both, and why."""

    asked: str
    given: str
    why: Why


@dataclass(frozen=True, slots=True)
class Plan:
    """What to load. `detector` and `segmenter` are None where none of the table's is to be loaded.

    `batch` is the largest number of photographs at once, and `needs_mb` what that is reckoned to need out of
    `free_mb`; both are None without a card. `reason` is one sentence for people.
    """

    detector: Variant | None
    segmenter: Variant | None
    precision: Precision
    batch: int
    needs_mb: int | None
    free_mb: int | None
    steps: tuple[StepDown, ...]
    reason: str


def plan(free_mb: int | None, table: Table, wish: Wish) -> Plan:
    """Choose for `free_mb` megabytes (2**20 bytes) of a card; None means that there is no card.

    What was asked for by name is taken where it fits. Where it does not, the segmenter steps down first
    and then the detector. "auto" takes the best that leaves room for a batch, and the smallest where nothing
    does; an "auto" segmenter is done without before the plan fails. Without a card nothing is reckoned: what
    was asked for runs on the CPU, "auto" takes the smallest, and what needs a card steps down.

    Raises `DoesNotFit` where nothing fits or `strict` forbids what would, `WeightsError` where what was asked
    for has no file and `strict` forbids less or there is nothing less, `ConfigurationError` for a wish that
    the table does not know.
    """
    if wish.batch_limit is not None and wish.batch_limit < 1:
        raise ConfigurationError(f"The batch limit should be 1 or more; it is {wish.batch_limit}.")
    card = free_mb is not None
    ladders = detectors(table, wish, card=card), segmenters(table, wish, card=card)
    if free_mb is None:
        return _without_card(table, wish, ladders)
    limit = min(table.batch_largest, wish.batch_limit or table.batch_largest)
    wanted = list(preferences(*ladders, min(table.batch_room, limit)))
    for pair, room in wanted:
        batch = min(limit, table.batch_within(free_mb, *pair))
        if batch >= room:
            return _with_card(free_mb, table, wish, ladders, pair, batch)
    raise _does_not_fit(free_mb, table, wish, [pair for pair, _ in wanted])


def _with_card(
    free_mb: int, table: Table, wish: Wish, ladders: tuple[Ladder, Ladder], pair: Pair, batch: int
) -> Plan:
    steps = _steps(wish, ladders, pair)
    needs_mb = table.needs_mb(*pair, batch)
    if pair == (None, None):
        main = "nothing is loaded that needs the card's memory"
    else:
        several = f"with room for batches of {batch}" if batch > 1 else "for one photograph at a time"
        needs = f"needs {_gb(needs_mb)} of the {_gb(free_mb)} GB that are free"
        main = f"{_title(pair)} in {wish.precision} {needs}, {several}"
    clauses = [_because(step) for step in steps if step.why != "memory"]
    if any(step.why == "memory" for step in steps):
        first = _unhindered(ladders, pair)
        clauses.append(f"{_title(first)} needs {_shortfall(table.needs_mb(*first), free_mb)}")
    reason = _sentence(clauses, main, _note(wish, ladders, pair))
    return Plan(*pair, wish.precision, batch, needs_mb, free_mb, steps, reason)


def _without_card(table: Table, wish: Wish, ladders: tuple[Ladder, Ladder]) -> Plan:
    # "auto" takes the smallest: on a CPU time is short, not memory.
    detector, segmenter = (each.rungs[-1 if each.auto else 0] for each in ladders)
    pair = detector, segmenter
    most = table.batch_largest if pair == (None, None) else table.batch_without_card
    batch = min(most, wish.batch_limit or most)
    if pair == (None, None):
        main = "there is no NVIDIA card, and nothing is loaded that would need one"
    else:
        several = f"up to {batch} photographs at a time" if batch > 1 else "one photograph at a time"
        main = f"without an NVIDIA card {_title(pair)} runs on the CPU in fp32, {several}"
    steps = _steps(wish, ladders, pair)
    reason = _sentence([_because(step) for step in steps], main, _note(wish, ladders, pair))
    return Plan(*pair, "fp32", batch, None, None, steps, reason)


def _does_not_fit(free_mb: int, table: Table, wish: Wish, wanted: list[Pair]) -> DoesNotFit:
    first, least = wanted[0], min(wanted, key=lambda pair: table.needs_mb(*pair))
    said = f"{_title(first)} needs {_shortfall(table.needs_mb(*first), free_mb)}"
    if least != first:
        said += f"; the least that would do is {_title(least)} with {_gb_up(table.needs_mb(*least))} GB"
    elif wish.strict:
        said += "; STRICT_VARIANT=true forbids anything smaller"
    return DoesNotFit(f"{said}. Free memory on the card, take a larger one, or ask for less.")


def _unhindered(ladders: tuple[Ladder, Ladder], pair: Pair) -> Pair:
    """Return what would be loaded if memory were no matter; "auto" as it was chosen."""
    detector, segmenter = (
        each.rungs[0] if each.asked is not None else given for each, given in zip(ladders, pair, strict=True)
    )
    return detector, segmenter


def _steps(wish: Wish, ladders: tuple[Ladder, Ladder], pair: Pair) -> tuple[StepDown, ...]:
    steps = []
    for ladder, given in zip(ladders, pair, strict=True):
        if ladder.asked is None or given is None or given == ladder.asked:
            continue
        at_hand = ladder.asked.key in wish.segmenters_at_hand
        why: Why = "memory" if given != ladder.rungs[0] else "no card" if at_hand else "no file"
        steps.append(StepDown(ladder.asked.title, given.title, why))
    return tuple(steps)


def _because(step: StepDown) -> str:
    reason = "needs an NVIDIA card" if step.why == "no card" else "has no weights file at hand"
    return f"{step.asked} {reason} and {step.given} takes its place"


def _note(wish: Wish, ladders: tuple[Ladder, Ladder], pair: Pair) -> str:
    if wish.segmenter != "auto" or pair[1] is not None:
        return ""
    if not wish.segmenters_at_hand:
        return "no SAM file is at hand"
    return "no SAM fits beside it" if ladders[1].may_end_in_none else "the SAM file at hand needs a card"


def _sentence(clauses: list[str], main: str, note: str) -> str:
    text = "; ".join(each for each in (*clauses, main, note) if each)
    return f"{text[0].upper()}{text[1:]}."


def _title(pair: Pair) -> str:
    """Return the name of a pair for people."""
    return " with ".join(each.title for each in pair if each is not None) or "the embedded default"


def _shortfall(needs_mb: int, free_mb: int) -> str:
    """Say both figures, rounded away from each other: 6.3 of 6.3 would not look like too little."""
    return f"{_gb_up(needs_mb)} GB and only {math.floor(free_mb / 102.4) / 10:.1f} are free"


def _gb(megabytes: int) -> str:
    return f"{megabytes / 1024:.1f}"


def _gb_up(megabytes: int) -> str:
    return f"{math.ceil(megabytes / 102.4) / 10:.1f}"
