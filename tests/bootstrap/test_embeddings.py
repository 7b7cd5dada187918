"""How much is kept of what the models computed."""

import pytest

from anomaly.bootstrap.embeddings import MOST_MB, SHARED_MB, WITHOUT_CARD_MB, limit_mb
from anomaly.vram import Plan, Wish, plan
from tests.vram.tables import every_segmenter, table


def made(free_mb: int | None, segmenter: str = "sam2") -> Plan:
    """Return the plan for so much memory."""
    return plan(
        free_mb, table(), Wish("medium", segmenter, "auto", None, every_segmenter(), precision="bf16")
    )


def test_what_was_asked_for_is_taken() -> None:
    """EMBEDDING_CACHE_MB decides, 0 too."""
    for asked_mb in (0, 5000):
        assert limit_mb(asked_mb, made(24_000), shared=True) == asked_mb


def test_half_of_what_the_plan_leaves_is_taken() -> None:
    """The other half is slack for the plan's own reckoning, and there is an end to it."""
    for free_mb in range(4_000, 40_000, 500):
        each = made(free_mb)
        assert each.needs_mb is not None
        bound = limit_mb(None, each, shared=False)
        assert bound == min(MOST_MB, (free_mb - each.needs_mb) // 2)
        assert each.needs_mb + bound <= free_mb


def test_a_shared_encoder_has_room_for_a_batch() -> None:
    """However full the card, what words and boxes both start from is kept from the one to the other."""
    each = made(7_782, "sam3")
    assert limit_mb(None, each, shared=True) >= each.batch * SHARED_MB


@pytest.mark.parametrize("segmenter", ["sam2", "auto"])
def test_without_a_card_it_is_memory_of_the_host(segmenter: str) -> None:
    """On the CPU a fixed bound stands in for a plan."""
    assert limit_mb(None, made(None, segmenter), shared=False) == WITHOUT_CARD_MB


def test_the_embedded_default_keeps_nothing() -> None:
    """Where no network of the table is loaded there is nothing to keep."""
    nothing = plan(None, table(), Wish(None, "none", "auto", None, (), precision="fp32"))
    assert limit_mb(None, nothing, shared=False) == 0
