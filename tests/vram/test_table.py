"""What is known of each variant, and what is refused as a table."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from anomaly.errors import ConfigurationError
from anomaly.vram import Table
from tests.vram.tables import document, table

GUIDE_GB = {
    "nano": 1.0,
    "small": 1.2,
    "medium": 1.5,
    "large": 2.5,
    "sam2_large": 3.5,
    "sam3": 4.0,
}


def test_published_figures_are_the_guides() -> None:
    """The published column is the operator's guide, to a MB."""
    published = {
        each.key: each.memory.published_mb
        for each in (*table().detectors, *table().segmenters)
        if each.memory.published_mb is not None
    }
    assert published == {key: round(gb * 1024) for key, gb in GUIDE_GB.items()}


def test_no_measurement_exceeds_what_is_reckoned() -> None:
    """What torch allocated at batch 1, with the context, stays within what the plan reckons with."""
    for each in (*table().detectors, *table().segmenters):
        for name, megabytes in each.memory.measured_mb.items():
            if name.endswith("_batch1"):
                assert table().context_mb + megabytes <= each.memory.reckoned_mb, (each.key, name)


def test_measured_increments_are_the_slope_between_two_batches() -> None:
    """An increment that is said to be measured follows from the measured batches, rounded up."""
    checked = []
    for each in (*table().detectors, *table().segmenters):
        if each.memory.per_image_source != "measured":
            continue
        batches = {int(k.split("_batch")[1]): v for k, v in each.memory.measured_mb.items() if "fp32" in k}
        few, many = min(batches), max(batches)
        slope = (batches[many] - batches[few]) / (many - few)
        assert slope <= each.memory.per_image_mb < slope + 1, each.key
        checked.append(each.key)
    assert checked == ["large", "medium", "small", "nano", "sam2_large"]


def test_sam3_holds_its_weights_in_fp32() -> None:
    """SAM 3 is reckoned at 1640 MB over the guide: its 860M parameters stay in fp32."""
    sam3 = table().segmenter("sam3")
    weights_mb = sam3.parameters * 4 // 2**20
    assert sam3.memory.reckoned_mb == 4096 + weights_mb // 2
    assert sam3.memory.source == "estimated"
    assert sam3.needs_card


@pytest.mark.parametrize("size", ["base_plus", "small", "tiny"])
def test_smaller_sam2_is_reckoned_as_large_less_its_weights(size: str) -> None:
    """What is estimated for a smaller SAM 2.1 follows from the numbers of parameters."""
    large, smaller = table().segmenter("sam2_large"), table().segmenter(f"sam2_{size}")
    saved_mb = (large.parameters - smaller.parameters) * 4 / 2**20
    assert smaller.memory.reckoned_mb == pytest.approx(large.memory.reckoned_mb - saved_mb, abs=1)
    assert smaller.memory.published_mb is None
    assert not smaller.memory.measured_mb


def test_a_pair_pays_for_its_context_once() -> None:
    """Two networks in one process need less than both alone, by exactly one context."""
    detector, segmenter = table().detector("medium"), table().segmenter("sam2_large")
    alone = table().needs_mb(detector, None) + table().needs_mb(None, segmenter)
    assert table().needs_mb(detector, segmenter) == alone - table().context_mb
    assert table().needs_mb(None, None) == 0


def test_combinations_of_the_guide_leave_room_for_a_batch() -> None:
    """Each combination that the guide states is the sum of its parts with room for a small batch.

    With SAM 3, whose single figure was low, it is at least the corrected sum for one photograph.
    """
    rooms = {}
    for each in table().combinations:
        pair = table().detector(each.detector), table().segmenter(each.segmenter)
        assert table().needs_mb(*pair) <= each.published_mb[1]
        rooms[each.detector, each.segmenter] = table().batch_within(each.published_mb[1], *pair)
    assert rooms == {
        ("nano", "sam2_large"): 4,
        ("medium", "sam2_large"): 5,
        ("medium", "sam3"): 2,
        ("large", "sam3"): 1,
    }


def test_batch_within_is_the_last_that_fits() -> None:
    """One photograph more than the batch would need more than is free."""
    pair = table().detector("small"), table().segmenter("sam2_tiny")
    for free_mb in range(0, 20_000, 61):
        batch = table().batch_within(free_mb, *pair)
        assert batch == 0 or table().needs_mb(*pair, batch) <= free_mb
        assert batch == table().batch_largest or table().needs_mb(*pair, batch + 1) > free_mb


def test_facts_are_those_of_the_package() -> None:
    """Names, addresses and md5 sums of the COCO weights are those that the rfdetr package downloads."""
    spec = find_spec("rfdetr")  # not imported: that costs seconds
    assert spec is not None
    assert spec.origin is not None
    known = (Path(spec.origin).parent / "assets" / "model_weights.py").read_text(encoding="utf-8")
    for each in table().detectors:
        place = known.index(f'"{each.weights}"')
        assert f'"{each.url}"' in known[place : place + 400]
        assert f'"{each.md5}"' in known[place : place + 400]


@pytest.mark.parametrize("name", ["huge", "", "Medium"])
def test_an_unknown_variant_is_refused_by_name(name: str) -> None:
    """Asking for a variant that there is not names those that there are."""
    with pytest.raises(ConfigurationError, match="use one of large, medium, small, nano"):
        table().detector(name)


def _drop(*path: str) -> Callable[[Any], None]:
    def spoil(doc: Any) -> None:
        for key in path[:-1]:
            doc = doc[key]
        del doc[path[-1]]

    return spoil


def _set(value: object, *path: str) -> Callable[[Any], None]:
    def spoil(doc: Any) -> None:
        for key in path[:-1]:
            doc = doc[key]
        doc[path[-1]] = value

    return spoil


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_drop("card"), "lacks 'card'"),
        (_drop("detectors", "nano", "memory"), "detectors.nano lacks 'memory'"),
        (_drop("detectors", "nano", "title"), "detectors.nano lacks 'title'"),
        (_drop("segmenters", "sam3", "memory", "why"), "sam3.memory lacks 'why'"),
        (_set({}, "detectors"), "detectors is empty"),
        (_set([], "detectors"), "should be a table"),
        (_set("big", "detectors", "nano", "resolution"), "resolution should be a whole number"),
        (_set(True, "detectors", "nano", "resolution"), "resolution should be a whole number"),
        (_set(0, "batch", "room"), "room should be a whole number of 1 or more"),
        (_set(-1, "card", "context_mb"), "context_mb should be a whole number of 0 or more"),
        (_set("", "detectors", "nano", "title"), "title should be a text"),
        (_set(float("nan"), "detectors", "nano", "coco_ap"), "coco_ap should be a number above 0"),
        (_set("yes", "segmenters", "sam3", "needs_card"), "needs_card should be true or false"),
        (_set("guessed", "detectors", "nano", "memory", "source"), "one of published, estimated"),
        (_set(7, "detectors", "nano", "resolutoin"), "'resolutoin', which means nothing"),
        (_set(7, "batches"), "'batches', which means nothing"),
        (_set(9999, "detectors", "nano", "memory", "published_mb"), "published_mb is another number"),
        (_set(5000, "card", "context_mb"), "less than the card.context_mb"),
        (_set([{"detector": "nano", "segmenter": "sam9", "published_mb": [1, 2]}], "combinations"), "'sam9'"),
        (_set([{"detector": "a", "segmenter": "b", "published_mb": [2, 1]}], "combinations"), "that rises"),
        (_set([{"detector": "a", "segmenter": "b", "published_mb": [2]}], "combinations"), "from and to"),
        (_set(3, "combinations"), "list of tables"),
    ],
)
def test_a_malformed_table_is_refused(spoil: Callable[[Any], None], message: str) -> None:
    """A mistake in the table is a sentence that names the place."""
    doc = document()
    spoil(doc)
    with pytest.raises(ConfigurationError, match=message):
        Table.from_toml(doc)


def test_rows_out_of_order_are_refused() -> None:
    """Stepping down must save memory, so that the rows fall."""
    doc: Any = document()
    doc["detectors"] = dict(reversed(doc["detectors"].items()))
    with pytest.raises(ConfigurationError, match="order the rows from the best to the smallest"):
        Table.from_toml(doc)
