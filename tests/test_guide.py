"""The operator's guide says what the code does."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from anomaly import errors
from anomaly.bootstrap import build, queue
from anomaly.serving.pod import create_app
from anomaly.serving.pod.failures import status_of
from anomaly.settings import Settings
from anomaly.types import Limits
from anomaly.vram import Plan, Variant, Wish, plan
from anomaly.weights import Source
from anomaly.wire import request as wire
from anomaly.wire import shapes
from deploying import dockerfile, hub
from tests import markdown
from tests.services import warm_service
from tests.vram.tables import every_segmenter
from tests.vram.tables import table as variants

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "RUNPOD_DEPLOYMENT.md").read_text(encoding="utf-8")

# Classes that only group others: nothing raises them itself.
GROUPS = {errors.AnomalyError, errors.InputError, errors.Refused}


def gigabytes(megabytes: int | None) -> str:
    """Write MB of 2**20 bytes as the guide does."""
    return "-" if megabytes is None else f"{megabytes / 1024:.1f}"


def default(value: object) -> str:
    """Write a default as an operator would set it."""
    if value is None:
        return "unset"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def test_the_environment_table_is_the_settings() -> None:
    """Every variable, its default and its meaning, in the order of the settings."""
    documented = [tuple(row.values()) for row in markdown.table(GUIDE, "Environment")]
    read = [
        (name.upper(), default(field.default), (field.description or "").replace("`", ""))
        for name, field in Settings.model_fields.items()
    ]
    assert documented == read


def test_the_vram_table_is_the_variants() -> None:
    """Published, reckoned and measured memory are those of the table that the server plans with."""
    documented = [tuple(row.values()) for row in markdown.table(GUIDE, "VRAM table")]
    known = [
        (
            each.title,
            gigabytes(each.memory.published_mb),
            gigabytes(each.memory.reckoned_mb),
            each.memory.source,
            str(each.memory.measured_mb.get("bf16_batch1", "-")),
            str(each.memory.measured_mb.get("fp32_batch1", "-")),
            f"{each.memory.per_image_mb}, {each.memory.per_image_source}",
        )
        for each in (*variants().detectors, *variants().segmenters)
    ]
    assert documented == known
    assert f"CUDA context and slack ({variants().context_mb} MB)" in GUIDE


def test_the_combinations_are_the_variants() -> None:
    """What the guide states for pairs, and what the reckoning makes of it."""
    known = []
    for each in variants().combinations:
        pair = variants().detector(each.detector), variants().segmenter(each.segmenter)
        low, high = (megabytes // 1024 for megabytes in each.published_mb)
        known.append(
            (
                f"{pair[0].title} with {pair[1].title}",
                str(low) if low == high else f"{low}-{high}",
                gigabytes(variants().needs_mb(*pair)),
                str(variants().batch_within(each.published_mb[1], *pair)),
            )
        )
    assert [tuple(row.values()) for row in markdown.table(GUIDE, "Combinations")] == known


def test_the_weights_are_the_variants() -> None:
    """The page about weights names each file, its source and its licence as the server's table does."""
    page = (ROOT / "models" / "README.md").read_text(encoding="utf-8")
    documented = {
        (row["File"], row["What"], row["From"].partition(">")[0].strip("<"), row["Licence"])
        for row in markdown.table(page, "Weights")
    }
    known = {
        (each.weights, each.title, each.url, each.licence)
        for each in (*variants().detectors, *variants().segmenters)
    }
    assert documented == known


GPU_ROWS = markdown.table(GUIDE, "GPU table")


def planned(cell: str) -> tuple[str, str, int]:
    """Read a cell: the titles of detector and segmenter, and the batch."""
    names, batch = cell.rsplit(", ", 1)
    detector, segmenter = names.split(" + ")
    return f"RF-DETR {detector}", segmenter, int(batch)


def given(made: Plan) -> tuple[str, str, int]:
    """Return what a plan gives, as a cell says it."""
    assert isinstance(made.detector, Variant)
    assert isinstance(made.segmenter, Variant)
    return made.detector.title, made.segmenter.title, made.batch


@pytest.mark.parametrize("row", GPU_ROWS, ids=[row["Card"] for row in GPU_ROWS])
def test_the_gpu_table_is_what_is_planned(row: dict[str, str]) -> None:
    """Each card comes to what the guide says, for what the guide says is free."""
    free_mb = int(row["Free MB"])
    assert free_mb == int(int(row["Memory GB"]) * 1024 * 0.95)
    wishes = {
        "Medium + SAM 3 asked for": ("medium", "sam3", "auto"),
        "Medium + SAM 2.1 large asked for": ("medium", "sam2", "large"),
        "auto": ("auto", "auto", "auto"),
    }
    for title, (detector, segmenter, size) in wishes.items():
        wish = Wish(detector, segmenter, size, None, every_segmenter(), precision="bf16")
        assert given(plan(free_mb, variants(), wish)) == planned(row[title])


def test_the_gpu_table_covers_every_size() -> None:
    """Cards of 4 to 141 GB are in the guide, the published ones among them."""
    assert [int(row["Memory GB"]) for row in GPU_ROWS] == [4, 6, 8, 10, 12, 16, 24, 48, 80, 141]


def test_the_sentence_of_a_step_down_is_the_real_one() -> None:
    """The reason that the guide quotes is what the plan says."""
    wish = Wish("medium", "sam3", "auto", None, every_segmenter(), precision="bf16")
    quoted = re.search(r"^> (.*\n)> (.*)$", markdown.section(GUIDE, "Memory"), flags=re.MULTILINE)
    assert quoted is not None
    assert f"{quoted[1].strip()} {quoted[2]}" == plan(6144, variants(), wish).reason


def every_error(kind: type[errors.AnomalyError] = errors.AnomalyError) -> list[type[errors.AnomalyError]]:
    """Return a class of the tree and all below it."""
    return [kind, *(each for below in kind.__subclasses__() for each in every_error(below))]


def test_the_errors_table_is_the_error_tree() -> None:
    """Every code that can be answered is in the guide with its status, and no other."""
    documented = {row["Code"]: int(row["Status"]) for row in markdown.table(GUIDE, "Errors")}
    kinds = [each for each in every_error() if each not in GROUPS and each.__module__ == "anomaly.errors"]
    assert documented == {each.code: status_of(each("")) for each in kinds}


def test_every_example_is_json() -> None:
    """What is shown as JSON can be parsed."""
    for each in markdown.examples(GUIDE, "json"):
        json.loads(each)


def test_the_request_examples_are_accepted() -> None:
    """The requests of the guide pass the check that every door makes."""
    single, batch = (
        json.loads(each) for each in markdown.examples(markdown.section(GUIDE, "Request"), "json")
    )
    job = json.loads(markdown.examples(markdown.section(GUIDE, "Serverless mode"), "json")[0])
    assert wire.parse_detect(single).frame_id == "frame_abc123"
    assert len(wire.parse_batch(batch, Limits()).photos()) == 2
    assert isinstance(wire.parse_input(job["input"], Limits()), wire.DetectRequest)


def test_the_request_fields_are_those_that_are_read() -> None:
    """The table of fields is the request class, and the example shows no other."""
    documented = {row["Field"] for row in markdown.table(GUIDE, "Request")}
    assert documented == set(wire.DetectRequest.model_fields)
    assert documented > set(json.loads(markdown.examples(markdown.section(GUIDE, "Request"), "json")[0]))


def test_the_response_example_has_every_field() -> None:
    """Field for field, the answer of the guide is what is written."""
    shown: dict[str, Any] = json.loads(markdown.examples(markdown.section(GUIDE, "Response"), "json")[0])
    anomaly, structure = shown["anomalies"][0], shown["structures"][0]
    for example, kind in (
        (shown, shapes.DetectResponse),
        (shown["image_size"], shapes.ImageSize),
        (anomaly, shapes.AnomalyAnswer),
        (anomaly["bbox"], shapes.BBox),
        (anomaly["geometry"], shapes.GeometryAnswer),
        (anomaly["confidence"], shapes.Confidence),
        (structure, shapes.StructureAnswer),
    ):
        assert set(kind.__required_keys__) <= set(example) <= set(kind.__annotations__), kind.__name__


def test_links_inside_the_guide_lead_somewhere() -> None:
    """Every anchor is a heading, and every file is there."""
    headings = re.findall(r"^#+ (.*)$", GUIDE, flags=re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}
    for target in re.findall(r"\]\(([^)]+)\)", GUIDE):
        if target.startswith("#"):
            assert target[1:] in anchors
        else:
            assert (ROOT / target).is_file(), target


def test_the_endpoints_table_is_the_applications_routes(tmp_path: Path) -> None:
    """Every door is in the guide with its method, and no other."""
    documented = {f"{row['Method']} {row['Path']}" for row in markdown.table(GUIDE, "Endpoints")}
    settings = Settings(state_path=tmp_path)
    service = build(settings)
    document = create_app(service, 0.3, queue=queue(settings, service)).openapi()
    served = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
    assert documented == served


def test_the_build_arguments_are_the_dockerfiles() -> None:
    """Each argument of the image is in the guide with its default, and no other."""
    arguments, stages = dockerfile.read(ROOT / "Dockerfile")
    for stage in stages:
        for each in stage.instructions:
            if each.name == "ARG":
                name, _, default_ = each.text.partition("=")
                arguments[name] = default_.strip('"')
    documented = {row["Build argument"]: row["Default"] for row in markdown.table(GUIDE, "The image")}
    assert documented == arguments
    user = next(each.text for each in stages[-1].instructions if each.name == "USER")
    assert f"user {user.partition(':')[0]}" in GUIDE


def test_the_places_of_weights_are_those_that_are_looked_into() -> None:
    """The order of the guide is that of the code, with the words that /info says."""
    rows = [(row["Order"], row["source"]) for row in markdown.table(GUIDE, "Weights")]
    assert rows == [*((str(at), each.value) for at, each in enumerate(Source, 1)), ("", "embedded")]


def test_the_steps_of_a_start_are_those_that_are_counted() -> None:
    """What /info counts stands in the guide, in the order in which it happens."""
    documented = [row["Step"] for row in markdown.table(GUIDE, "Cold start")]
    service = warm_service(detector_backend="starter", segmenter_backend="none")
    counted = list(service.info()["start_ms"])  # type: ignore[call-overload]
    service.close()
    assert set(counted) == set(documented) - {"download"}
    assert [each for each in documented if each in counted] == counted


def test_the_costs_are_those_of_the_cards() -> None:
    """Prices of a second are those of `configs/gpus.toml`, and the rest is reckoned from them."""
    cards = tomllib.loads((ROOT / "configs" / "gpus.toml").read_text())
    known = [
        (
            ", ".join(each["names"]),
            str(each["memory_gb"]),
            f"{price:.5f}",
            f"{price * 3600:.2f}",
            f"{price * 30 * 1000:.2f}",
        )
        for each in cards["cards"]
        if (price := each.get("flex_usd_per_s"))
    ]
    documented = markdown.table(GUIDE, "Costs")
    assert [tuple(row.values())[1:] for row in documented] == known
    assert {row["Pool"] for row in documented} >= set(hub.POOLS.split(","))
    assert cards["price_url"] in GUIDE
