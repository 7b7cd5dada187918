"""README shows what the server really answers, and leads to files that are there."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from anomaly.serving.pod import create_app
from tests import markdown
from tests.services import warm_service

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def leaves(answer: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each value of a JSON document with the path to it."""
    if isinstance(answer, dict):
        for key, value in answer.items():
            yield from leaves(value, f"{path}.{key}")
    elif isinstance(answer, list):
        for number, value in enumerate(answer):
            yield from leaves(value, f"{path}.{number}")
    else:
        yield path, answer


def test_the_shown_output_is_the_real_one() -> None:
    """The JSON of README is what the light install answers to README's curl, but for the time."""
    shown = dict(
        leaves(json.loads(markdown.examples(markdown.section(README, "The first result"), "json")[0]))
    )
    service = warm_service(detector_backend="starter", segmenter_backend="starter")
    files = {"file": (ROOT / "samples" / "crack.jpg").read_bytes()}
    real = dict(leaves(TestClient(create_app(service, 0.3)).post("/detect/upload", files=files).json()))
    service.close()
    assert list(shown) == list(real)
    for path, value in real.items():
        if isinstance(value, float) and path != ".processing_time_ms":
            # Another processor rounds differently in the network's last places.
            assert shown[path] == pytest.approx(value, rel=0.02, abs=0.02), path
        elif path not in (".processing_time_ms", ".anomalies.0.anomaly_id") and not isinstance(value, int):
            assert shown[path] == value, path


def test_every_link_and_file_is_there() -> None:
    """Every file that README links to, shows, or says to edit exists."""
    named = set(re.findall(r"\]\(([^)#:]+)\)", README))
    named |= set(re.findall(r"`((?:anomaly|configs|samples|models)/[\w./]*)`", README))
    assert len(named) > 10
    for name in named:
        assert (ROOT / name).exists(), name
