"""What an operator asks for, and the ladders of variants that it leaves to choose from."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from anomaly.errors import ConfigurationError, DoesNotFit, WeightsError
from anomaly.vram.table import Table, Variant

Precision = Literal["fp32", "bf16"]

Pair = tuple[Variant | None, Variant | None]
"""A detector and a segmenter, None where none of the table's is loaded."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the operator asks for, and what there is to choose from.

    `detector` is a variant of RF-DETR, "auto", or None where another detector serves that takes no memory of
    the card. `segmenter` is "sam3", "sam2", "auto" or "none"; `segmenter_size` is one of SAM 2.1's sizes, or
    "auto". `detectors_at_hand` and `segmenters_at_hand` are the keys of the table whose weights can be had;
    None means every detector. `strict` forbids less than what was asked for by name. `precision` is what
    the card computes in. `batch_limit` is the operator's own.
    """

    detector: str | None = "medium"
    segmenter: str = "auto"
    segmenter_size: str = "auto"
    detectors_at_hand: tuple[str, ...] | None = None
    segmenters_at_hand: tuple[str, ...] = ()
    strict: bool = False
    precision: Precision = "fp32"
    batch_limit: int | None = None


@dataclass(frozen=True, slots=True)
class Ladder:
    """What may be taken, the best first. `asked` is what was asked for by name; None for "auto" and nothing.

    `may_end_in_none`: rather none than a failed plan.
    """

    rungs: tuple[Variant | None, ...]
    asked: Variant | None = None
    may_end_in_none: bool = False

    @property
    def auto(self) -> bool:
        """Whether the best that fits is to be chosen."""
        return self.asked is None and self.rungs != (None,)


_NOTHING = Ladder((None,))


def detectors(table: Table, wish: Wish, *, card: bool) -> Ladder:
    """Return the detectors that may be taken. Raises as `anomaly.vram.plan` does."""
    if wish.detector is None:
        return _NOTHING
    at_hand = tuple(
        each
        for each in table.detectors
        if wish.detectors_at_hand is None or each.key in wish.detectors_at_hand
    )
    for key in wish.detectors_at_hand or ():
        table.detector(key)
    asked = None if wish.detector == "auto" else table.detector(wish.detector)
    return _ladder(asked, table.detectors, at_hand, wish, card=card)


def segmenters(table: Table, wish: Wish, *, card: bool) -> Ladder:
    """Return the segmenters that may be taken. Raises as `anomaly.vram.plan` does."""
    at_hand = tuple(table.segmenter(key) for key in wish.segmenters_at_hand)
    at_hand = tuple(each for each in table.segmenters if each in at_hand)
    backends = {each.backend for each in table.segmenters}
    if wish.segmenter not in {"none", "auto", *backends}:
        raise ConfigurationError(
            f"There is no segmenter {wish.segmenter!r}: use {', '.join(sorted(backends))}, auto or none."
        )
    if wish.segmenter == "none" or (wish.segmenter == "auto" and not at_hand):
        return _NOTHING
    if wish.segmenter == "auto":
        return _ladder(None, table.segmenters, at_hand, wish, card=card, may_end_in_none=True)
    of_backend = tuple(each for each in table.segmenters if each.backend == wish.segmenter)
    sizes = {each.size or "auto": each for each in of_backend}
    if wish.segmenter_size in sizes:
        return _ladder(sizes[wish.segmenter_size], table.segmenters, at_hand, wish, card=card)
    if len(sizes) > 1 and wish.segmenter_size != "auto":
        raise ConfigurationError(
            f"{wish.segmenter} has no size {wish.segmenter_size!r}: use {', '.join(sizes)} or auto."
        )
    if len(sizes) == 1:  # it comes in one size only, whatever was said
        return _ladder(of_backend[0], table.segmenters, at_hand, wish, card=card)
    return _ladder(None, of_backend, tuple(each for each in at_hand if each in of_backend), wish, card=card)


def _ladder(
    asked: Variant | None,
    ordered: tuple[Variant, ...],
    at_hand: tuple[Variant, ...],
    wish: Wish,
    *,
    card: bool,
    may_end_in_none: bool = False,
) -> Ladder:
    """Return `asked` and what is smaller, of what is at hand; all that is at hand where nothing was asked."""
    allowed = ordered if asked is None else ordered[ordered.index(asked) :]
    if wish.strict and asked is not None:
        allowed = (asked,)
    rungs = tuple(each for each in allowed if each in at_hand)
    if not rungs:
        names = " or ".join(each.title for each in allowed)
        raise WeightsError(
            f"There is no weights file of {names}: put one in place, or ask for another variant."
        )
    runnable = tuple(each for each in rungs if card or not each.needs_card)
    if not runnable and may_end_in_none:
        return _NOTHING
    if not runnable:
        names = " and ".join(each.title for each in rungs)
        raise DoesNotFit(f"{names} needs an NVIDIA card and there is none: ask for another variant.")
    return Ladder(runnable, asked, may_end_in_none)


def preferences(detector: Ladder, segmenter: Ladder, room: int) -> Iterator[tuple[Pair, int]]:
    """Yield pairs, the most wanted first, each with the batch for which there has to be room.

    What was asked for by name is kept as long as it can be: the segmenter steps down before the detector.
    Beside it "auto" takes the best with room for a batch of `room`, and only where nothing has that room
    the smallest. With "auto" for both, the better detector goes before the better segmenter: what is not
    found cannot be segmented.
    """
    if detector.auto and segmenter.auto:
        for each in detector.rungs:
            yield from (((each, other), room) for other in segmenter.rungs)
        yield (detector.rungs[-1], segmenter.rungs[-1]), 1
    elif detector.auto:
        for other in segmenter.rungs:
            yield from (((each, other), room) for each in detector.rungs)
            yield (detector.rungs[-1], other), 1
    elif segmenter.auto:
        for each in detector.rungs:
            yield from (((each, other), room) for other in segmenter.rungs)
            yield (each, segmenter.rungs[-1]), 1
    else:
        yield from (((each, other), 1) for each in detector.rungs for other in segmenter.rungs)
    if segmenter.may_end_in_none:
        yield from preferences(detector, _NOTHING, room)
