import asyncio
import sqlite3
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from anomaly.errors import ConfigurationError
from anomaly.imaging.photo import Photo
from anomaly.pipeline import Outcome
from anomaly.results import MOST_UNWRITTEN, Results, key_of
from anomaly.service import Service
from anomaly.types import Anomaly, Box, Findings, Mask, Options, ScaleRequest
from tests.pictures import encoded, gradient
from tests.services import warm_service

FILE = encoded(gradient(320, 240))


def findings(frame_id: str = "a", side: int = 10) -> Findings:
    """Return findings whose mask takes side x side bytes."""
    mask = Mask(np.ones((side, side), np.bool_), 0, 0, 0.9)
    anomaly = Anomaly("anom_1", "crack", "unknown", Box(0, 0, side, side), 0.9, mask=mask)
    return Findings(frame_id, 100, 100, (anomaly,), image=np.zeros((100, 100, 3), np.uint8))


def test_what_was_put_is_found_without_its_photograph() -> None:
    """The photograph itself is not kept."""
    results = Results(1)
    results.put("k", findings())
    kept = results.get("k")
    assert kept is not None
    assert kept.image is None
    assert kept.anomalies[0].id == "anom_1"
    assert results.get("other") is None
    stats = results.stats()
    assert (stats.hits, stats.misses, stats.entries) == (1, 1, 1)


def test_the_least_recently_asked_for_goes_first() -> None:
    """Memory is bounded in bytes, and what fits nowhere is not kept."""
    results = Results(1)
    for name in ("a", "b"):
        results.put(name, findings(name, side=600))
        results.get("a")
    results.put("c", findings("c", side=600))
    results.put("huge", findings("huge", side=1100))
    assert [results.get(each) is not None for each in ("a", "b", "c", "huge")] == [True, False, True, False]
    assert results.stats().size_bytes <= results.stats().limit_bytes == 2**20


def test_a_folder_outlives_the_process(tmp_path: Path) -> None:
    """The next start finds what the last one kept."""
    first = Results(1, tmp_path / "kept")
    first.put("k", findings())
    first.close()
    second = Results(1, tmp_path / "kept")
    found = second.get("k")
    assert found is not None
    assert found.anomalies[0].mask is not None
    assert found.anomalies[0].mask.bitmap.all()
    assert second.stats().on_disk == 1
    second.close()


class Broken:
    """A disk that fails at everything."""

    def __len__(self) -> int:
        raise sqlite3.OperationalError("disk I/O error")

    def get(self, key: str) -> object:
        """Fail as what an older version pickled does."""
        raise AttributeError("Can't get attribute 'Findings'")

    def set(self, key: str, value: object) -> None:
        """Fail as a full disk does."""
        raise sqlite3.OperationalError("database or disk is full")

    def close(self) -> None:
        """Close."""


def test_trouble_with_the_disk_costs_no_answer(caplog: pytest.LogCaptureFixture) -> None:
    """What memory holds is found all the same; the log says what failed."""
    results = Results(1)
    results._disk = Broken()
    assert results.get("k") is None
    results.put("k", findings())
    assert results.get("k") is not None
    assert results.stats().on_disk == 0
    results.close()
    assert "could not be read" in caplog.text
    assert "could not be kept" in caplog.text


def test_a_folder_that_cannot_be_had_says_what_to_do(tmp_path: Path) -> None:
    """It is the operator's to mend."""
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="RESULT_CACHE_PATH"):
        Results(1, tmp_path / "file" / "kept")


def test_who_puts_does_not_wait_for_the_disk() -> None:
    """An event loop may put; what a slow disk cannot follow is left out there."""
    results, go_on = Results(1), threading.Event()

    class Slow(Broken):
        def set(self, key: str, value: object) -> None:
            """Take as long as the test."""
            go_on.wait(10)

    results._disk = Slow()
    started = time.perf_counter()
    for number in range(MOST_UNWRITTEN + 10):
        results.put(str(number), findings())
    assert time.perf_counter() - started < 5
    go_on.set()
    results.close()


def test_another_version_finds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it pickled may have other fields, and it may have found other things."""
    key = key_of("d", Options(), {})
    monkeypatch.setattr("anomaly.results.__version__", "0.0.0")
    assert key_of("d", Options(), {}) != key


def test_the_key_is_what_changes_the_findings() -> None:
    """Content, models and options count; how the answer is written does not."""
    models = {"detector": "a"}
    key = key_of("d", Options(), models)
    assert key == key_of("d", Options(include_masks=True, csv=True, timeout_ms=5), models)
    others = [
        key_of("e", Options(), models),
        key_of("d", Options(), {"detector": "b"}),
        key_of("d", Options(confidence_threshold=0.5), models),
        key_of("d", Options(tiling="off"), models),
        key_of("d", Options(scale=ScaleRequest(0.2)), models),
    ]
    assert len({key, *others}) == 6


@pytest.fixture
def service() -> Service:
    """Give a service that remembers."""
    return warm_service(result_cache_mb=8)


def test_the_same_photograph_costs_the_models_nothing(service: Service) -> None:
    """Asked again under another id it has the same findings, and the queue never saw it."""

    async def ask(frame_id: str, **options: object) -> Outcome:
        asked = Options(confidence_threshold=0.3, **options)  # type: ignore[arg-type]
        [outcome] = await service.detect([Photo(FILE, frame_id)], asked)
        return outcome

    async def story() -> list[Outcome]:
        return [
            await ask("first"),
            await ask("again", include_masks=True),
            await ask("drawn", debug=True),
        ]

    first, again, drawn = [each.result for each in asyncio.run(story())]
    info = service.info()
    service.close()
    assert isinstance(first, Findings)
    assert isinstance(again, Findings)
    assert isinstance(drawn, Findings)
    assert (first.frame_id, again.frame_id) == ("first", "again")
    assert again.anomalies == first.anomalies
    assert drawn.image is not None
    assert info["queue"]["items"] == 2  # type: ignore[index]
    assert info["results"]["hits"] == 1  # type: ignore[index]
