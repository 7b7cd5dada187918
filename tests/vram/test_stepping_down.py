"""What gives way where memory or a file is missing, and what is said about it."""

import pytest

from anomaly.errors import DoesNotFit, WeightsError
from anomaly.vram import Plan, StepDown, Wish, plan
from tests.vram.plans import attempt, loaded
from tests.vram.tables import every_segmenter, table

EVERY = every_segmenter()


def test_the_segmenter_steps_down_first_and_says_so() -> None:
    """SAM 3 gives way to SAM 2.1 large while the detector stays."""
    planned = plan(6144, table(), Wish("medium", "sam3", "auto", None, EVERY, precision="bf16"))
    assert loaded(planned) == ("medium", "sam2_large")
    assert planned.steps == (StepDown("SAM 3", "SAM 2.1 large", "memory"),)
    assert planned.reason == (
        "RF-DETR Medium with SAM 3 needs 6.4 GB and only 6.0 are free; "
        "RF-DETR Medium with SAM 2.1 large in bf16 needs 5.7 of the 6.0 GB that are free, "
        "with room for batches of 5."
    )


def test_each_rung_is_taken_in_turn() -> None:
    """As memory falls, the segmenter goes down to tiny before the detector goes down one rung."""
    wish = Wish("large", "sam3", "auto", None, EVERY)
    seen: list[tuple[str | None, str | None]] = []
    for free_mb in range(20_000, 0, -1):
        planned = attempt(free_mb, wish)
        if isinstance(planned, Plan) and loaded(planned) not in seen:
            seen.append(loaded(planned))
    smaller = ("sam2_base_plus", "sam2_small", "sam2_tiny")
    assert seen == [
        *(("large", each) for each in EVERY),
        *(("medium", each) for each in ("sam2_large", *smaller)),  # needs less than large with tiny
        *(("small", each) for each in smaller),
        *(("nano", each) for each in smaller),
    ]


def test_only_what_is_at_hand_is_stepped_down_to() -> None:
    """Where only one smaller file is at hand, that is the next rung."""
    wish = Wish("medium", "sam3", "auto", None, ("sam3", "sam2_tiny"))
    assert loaded(plan(5000, table(), wish)) == ("medium", "sam2_tiny")
    custom = Wish("large", "none", "auto", ("large",))
    with pytest.raises(DoesNotFit, match=r"RF-DETR Large needs 2\.5 GB and only 1\.4 are free"):
        plan(1500, table(), custom)


def test_the_detector_steps_down_where_no_segmenter_is_left() -> None:
    """With nothing smaller to cut with, the detector gives way, and both steps are named."""
    wish = Wish("large", "sam3", "auto", None, ("sam3", "sam2_large"), precision="bf16")
    planned = plan(4096, table(), wish)
    assert loaded(planned) == ("small", "sam2_large")
    assert planned.steps == (
        StepDown("RF-DETR Large", "RF-DETR Small", "memory"),
        StepDown("SAM 3", "SAM 2.1 large", "memory"),
    )


def test_a_missing_file_gives_way_and_is_named() -> None:
    """SAM 2.1 stands in for a SAM 3 whose file is missing, and the reason says that it is the file."""
    planned = plan(24_000, table(), Wish("medium", "sam3", "auto", None, ("sam2_large",), precision="bf16"))
    assert planned.steps == (StepDown("SAM 3", "SAM 2.1 large", "no file"),)
    assert planned.reason.startswith("SAM 3 has no weights file at hand and SAM 2.1 large takes its place; ")


def test_strict_refuses_to_step_down_with_numbers() -> None:
    """STRICT_VARIANT turns a step down into an error that says what is needed and what is free."""
    wish = Wish("medium", "sam3", "auto", None, EVERY, strict=True)
    with pytest.raises(
        DoesNotFit, match=r"Medium with SAM 3 needs 6\.4 GB and only 6\.0 are free; STRICT_VARIANT"
    ):
        plan(6144, table(), wish)
    assert loaded(plan(8192, table(), wish)) == ("medium", "sam3")


def test_strict_refuses_a_stand_in_for_a_missing_file() -> None:
    """STRICT_VARIANT wants the file that was asked for."""
    with pytest.raises(WeightsError, match="no weights file of SAM 3"):
        plan(24_000, table(), Wish("medium", "sam3", "auto", None, ("sam2_large",), strict=True))


def test_strict_leaves_auto_its_choice() -> None:
    """What was left to the server has nothing to be strict about."""
    wish = Wish("auto", "auto", "auto", None, EVERY, strict=True)
    assert loaded(plan(9728, table(), wish)) == ("large", "sam3")


def test_a_named_file_that_is_missing_with_nothing_smaller_is_an_error() -> None:
    """SAM 2.1 asked for, and no file of it: the error lists what would have done."""
    with pytest.raises(WeightsError, match=r"SAM 2\.1 small or SAM 2\.1 tiny"):
        plan(24_000, table(), Wish("medium", "sam2", "small", None, ("sam3", "sam2_large")))
