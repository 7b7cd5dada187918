import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from benchmarks import request  # noqa: E402
from benchmarks.serving.requests import photograph  # noqa: E402


def test_both_ways_answer_the_same_masks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours and the naive way end with one mask for each box, and time every step on the way."""
    import base64

    monkeypatch.setattr(request, "WIDTH", 320)
    monkeypatch.setattr(request, "HEIGHT", 240)
    monkeypatch.setattr(request, "COUNT", 3)
    body = json.dumps({"image": base64.b64encode(photograph(320, 240)).decode()}).encode()
    seen = request.found()
    steps = {way: request.Steps() for way in (request.ours, request.naive)}
    answers = {way: json.loads(way(body, seen, step)) for way, step in steps.items()}
    for way, answer in answers.items():
        assert len(answer["anomalies"]) == 3
        assert all(each["mask"] for each in answer["anomalies"])
        assert all(ms >= 0 for ms in steps[way].cpu_ms.values())
    ours = answers[request.ours]["anomalies"]
    assert sum(each["geometry"]["area_pixels"] for each in ours) > 0
    assert np.isfinite([each["geometry"]["length_pixels"] for each in ours]).all()
