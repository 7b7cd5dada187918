"""What is loaded for a memory budget."""

import itertools

import pytest

from anomaly.errors import AnomalyError, ConfigurationError, DoesNotFit
from anomaly.vram import Plan, StepDown, Wish, plan
from tests.vram.plans import attempt, loaded
from tests.vram.tables import every_segmenter, table

EVERY = every_segmenter()

SEGMENTERS = (
    *(("sam2", size) for size in ("large", "base_plus", "small", "tiny", "auto")),
    ("sam3", "auto"),
    ("auto", "auto"),
    ("none", "auto"),
)

AT_HAND = (EVERY, ("sam2_large",), ("sam3",), ("sam2_small", "sam3"), ())

BUDGETS_MB = (*range(0, 13_000, 353), 16_384, 24_576, 49_152, 81_920, 144_384)


def worth(planned: Plan, wish: Wish) -> tuple[int, ...]:
    """Return what a plan grants, larger for more; what was asked for by name comes first."""
    detector, segmenter = loaded(planned)
    found = ("nano", "small", "medium", "large").index(detector) if detector else -1
    cut = EVERY[::-1].index(segmenter) if segmenter else -1
    by_name = wish.segmenter == "sam3" or wish.segmenter_size != "auto"
    parts = (cut, found) if wish.detector == "auto" and by_name else (found, cut)
    return (int(segmenter is not None), *parts)


@pytest.mark.parametrize("detector", ["nano", "small", "medium", "large", "auto", None])
@pytest.mark.parametrize(("segmenter", "size"), SEGMENTERS)
def test_a_plan_is_within_its_budget_and_grows_with_it(
    detector: str | None, segmenter: str, size: str
) -> None:
    """A plan never exceeds what is free, more memory never gives less, and the same gives the same."""
    plans = 0
    for at_hand, strict, limit in itertools.product(AT_HAND, (False, True), (None, 2)):
        wish = Wish(detector, segmenter, size, None, at_hand, strict, "bf16", limit)
        earlier: Plan | None = None
        for free_mb in BUDGETS_MB:
            planned = attempt(free_mb, wish)
            if isinstance(planned, AnomalyError):
                assert earlier is None, "less memory was enough"
                continue
            assert planned.needs_mb == table().needs_mb(planned.detector, planned.segmenter, planned.batch)
            assert planned.needs_mb <= free_mb
            assert 1 <= planned.batch <= (limit or table().batch_largest)
            assert planned == attempt(free_mb, wish)
            if earlier is not None:
                assert worth(planned, wish) >= worth(earlier, wish)
                assert loaded(planned) != loaded(earlier) or planned.batch >= earlier.batch
            earlier, plans = planned, plans + 1
    assert plans


@pytest.mark.parametrize("detector", ["nano", "small", "medium", "large"])
@pytest.mark.parametrize("segmenter", EVERY)
def test_what_was_planned_is_planned_again_when_asked_for_by_name(detector: str, segmenter: str) -> None:
    """Asking by name for what a plan gave, in the memory that it needs, gives that plan and no step down."""
    backend, _, size = segmenter.partition("_")
    pair = table().detector(detector), table().segmenter(segmenter)
    needs_mb = table().needs_mb(*pair, 3)
    planned = plan(needs_mb, table(), Wish(detector, backend, size or "auto", None, EVERY, strict=True))
    assert (loaded(planned), planned.batch, planned.needs_mb) == ((detector, segmenter), 3, needs_mb)
    assert planned.steps == ()


# Memory of the card in GB, its free MB (a driver keeps about 5 %), and what the default wish (RF-DETR Medium
# with SAM 3), the same with SAM 2.1 large, and "auto" for both come to: detector, segmenter, batch.
GPU_ROWS = [
    (4, 3891, ("medium", "sam2_base_plus", 1), ("medium", "sam2_base_plus", 1), ("nano", "sam2_tiny", 3)),
    (6, 5836, ("medium", "sam2_large", 5), ("medium", "sam2_large", 5), ("large", "sam2_tiny", 4)),
    (8, 7782, ("medium", "sam3", 2), ("medium", "sam2_large", 10), ("large", "sam2_large", 7)),
    (10, 9728, ("medium", "sam3", 5), ("medium", "sam2_large", 15), ("large", "sam3", 4)),
    (12, 11_673, ("medium", "sam3", 8), ("medium", "sam2_large", 20), ("large", "sam3", 6)),
    (16, 15_564, ("medium", "sam3", 14), ("medium", "sam2_large", 31), ("large", "sam3", 12)),
    (24, 23_347, ("medium", "sam3", 25), ("medium", "sam2_large", 32), ("large", "sam3", 23)),
    (48, 46_694, ("medium", "sam3", 32), ("medium", "sam2_large", 32), ("large", "sam3", 32)),
    (80, 77_824, ("medium", "sam3", 32), ("medium", "sam2_large", 32), ("large", "sam3", 32)),
    (141, 137_164, ("medium", "sam3", 32), ("medium", "sam2_large", 32), ("large", "sam3", 32)),
]


@pytest.mark.parametrize(("card_gb", "free_mb", "sam3", "sam2", "auto"), GPU_ROWS)
def test_every_card_gets_what_its_memory_holds(
    card_gb: int, free_mb: int, sam3: tuple[object, ...], sam2: tuple[object, ...], auto: tuple[object, ...]
) -> None:
    """From 4 to 141 GB, each wish comes to the best that fits the card."""
    assert free_mb == int(card_gb * 1024 * 0.95)
    for (segmenter, detector), expected in zip(
        [("sam3", "medium"), ("sam2", "medium"), ("auto", "auto")], [sam3, sam2, auto], strict=True
    ):
        size = "large" if segmenter == "sam2" else "auto"
        wish = Wish(detector, segmenter, size, None, EVERY, precision="bf16")
        planned = plan(free_mb, table(), wish)
        assert (*loaded(planned), planned.batch) == expected


def test_a_plan_that_fits_says_what_it_needs() -> None:
    """The reason names the pair, the precision, both figures and the batch."""
    planned = plan(
        9421, table(), Wish("medium", "sam2", "large", None, EVERY, precision="bf16", batch_limit=4)
    )
    assert planned.reason == (
        "RF-DETR Medium with SAM 2.1 large in bf16 needs 5.3 of the 9.2 GB that are free, "
        "with room for batches of 4."
    )
    assert planned.precision == "bf16"
    assert planned.free_mb == 9421


def test_where_nothing_fits_the_least_is_named() -> None:
    """The error says what the smallest pair would need."""
    with pytest.raises(
        DoesNotFit, match=r"the least that would do is RF-DETR Nano with SAM 2\.1 tiny with 3\.1 GB"
    ):
        plan(2000, table(), Wish("medium", "sam3", "auto", None, EVERY))


def test_rounding_never_makes_too_little_look_like_enough() -> None:
    """One megabyte short, the two figures still differ."""
    needs_mb = table().needs_mb(table().detector("medium"), table().segmenter("sam3"))
    with pytest.raises(DoesNotFit, match=r"needs 6\.4 GB and only 6\.3 are free"):
        plan(needs_mb - 1, table(), Wish("medium", "sam3", "auto", None, ("sam3",), strict=True))


def test_auto_takes_the_best_with_room_for_a_batch() -> None:
    """A pair that would fit one photograph at a time is passed over for one that holds a batch of four."""
    pair = table().detector("large"), table().segmenter("sam3")
    wish = Wish("auto", "auto", "auto", None, EVERY)
    assert loaded(plan(table().needs_mb(*pair, 3), table(), wish)) == ("large", "sam2_large")
    assert loaded(plan(table().needs_mb(*pair, 4), table(), wish)) == ("large", "sam3")


def test_an_operators_batch_limit_is_all_the_room_that_auto_keeps() -> None:
    """Who limits the batch to one does not lose a better variant for the sake of four."""
    pair = table().detector("large"), table().segmenter("sam3")
    wish = Wish("auto", "auto", "auto", None, EVERY, batch_limit=1)
    planned = plan(table().needs_mb(*pair), table(), wish)
    assert (loaded(planned), planned.batch) == (("large", "sam3"), 1)


def test_an_auto_segmenter_is_done_without_before_the_detector_is() -> None:
    """Where not even SAM 2.1 tiny fits beside a detector, the detector is kept and the reason says so."""
    planned = plan(2048, table(), Wish("medium", "auto", "auto", None, EVERY))
    assert loaded(planned) == ("medium", None)
    assert planned.reason.endswith("; no SAM fits beside it.")


def test_an_auto_segmenter_without_a_file_is_none() -> None:
    """No SAM file at hand is nothing to fail for, and is said."""
    planned = plan(8000, table(), Wish("medium"))
    assert loaded(planned) == ("medium", None)
    assert planned.reason.endswith("; no SAM file is at hand.")


def test_the_embedded_default_takes_nothing() -> None:
    """Where nothing of the table is asked for, the plan is empty and memory sets no limit."""
    for free_mb in (None, 0, 8000):
        planned = plan(free_mb, table(), Wish(None, "none"))
        assert loaded(planned) == (None, None)
        assert planned.batch == table().batch_largest
        assert not planned.needs_mb
        assert planned.precision == "fp32"


def test_sam3_alone_is_planned_without_a_detector() -> None:
    """SAM 3 that detects by text is one network, and pays for its context once."""
    planned = plan(8192, table(), Wish(None, "sam3", "auto", None, ("sam3",), precision="bf16"))
    assert loaded(planned) == (None, "sam3")
    assert planned.needs_mb == table().segmenter("sam3").memory.reckoned_mb + 3 * 640
    assert planned.reason.startswith("SAM 3 in bf16 needs")


def test_without_a_card_the_wish_runs_on_the_cpu() -> None:
    """No card: as wished, in fp32, in small batches, and nothing is reckoned."""
    planned = plan(None, table(), Wish("medium", "sam2", "large", None, EVERY, precision="bf16"))
    assert loaded(planned) == ("medium", "sam2_large")
    assert (planned.precision, planned.batch) == ("fp32", table().batch_without_card)
    assert (planned.needs_mb, planned.free_mb) == (None, None)
    assert planned.reason == (
        "Without an NVIDIA card RF-DETR Medium with SAM 2.1 large runs on the CPU in fp32, "
        "up to 2 photographs at a time."
    )


def test_without_a_card_auto_takes_the_smallest() -> None:
    """On a CPU time is short, not memory."""
    assert loaded(plan(None, table(), Wish("auto", "auto", "auto", None, EVERY))) == ("nano", "sam2_tiny")


def test_without_a_card_sam3_gives_way() -> None:
    """SAM 3 runs on a card only: SAM 2.1 stands in, or nothing if that was left open, or it is an error."""
    stand_in = plan(None, table(), Wish("medium", "sam3", "auto", None, EVERY))
    assert stand_in.steps == (StepDown("SAM 3", "SAM 2.1 large", "no card"),)
    assert stand_in.reason.startswith("SAM 3 needs an NVIDIA card and SAM 2.1 large takes its place; ")
    left_open = plan(None, table(), Wish("medium", "auto", "auto", None, ("sam3",)))
    assert loaded(left_open) == ("medium", None)
    assert left_open.reason.endswith("; the SAM file at hand needs a card.")
    for wish in (
        Wish("medium", "sam3", "auto", None, ("sam3",)),
        Wish("medium", "sam3", "auto", None, EVERY, strict=True),
    ):
        with pytest.raises(DoesNotFit, match="SAM 3 needs an NVIDIA card and there is none"):
            plan(None, table(), wish)


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (Wish("huge"), "no detector variant 'huge': use one of large, medium, small, nano"),
        (Wish("medium", "sam1"), "no segmenter 'sam1': use sam2, sam3, auto or none"),
        (
            Wish("medium", "sam2", "huge"),
            "sam2 has no size 'huge': use large, base_plus, small, tiny or auto",
        ),
        (Wish("medium", segmenters_at_hand=("sam4",)), "no segmenter 'sam4'"),
        (Wish("medium", detectors_at_hand=("mega",)), "no detector variant 'mega'"),
        (Wish("medium", batch_limit=0), "batch limit should be 1 or more; it is 0"),
    ],
)
def test_a_wish_that_the_table_does_not_know_is_refused(wish: Wish, message: str) -> None:
    """A wrong name is answered with the right ones, card or no card."""
    for free_mb in (None, 24_000):
        with pytest.raises(ConfigurationError, match=message):
            plan(free_mb, table(), wish)
