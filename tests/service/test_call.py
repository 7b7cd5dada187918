import asyncio
import gc
import weakref
from collections.abc import Iterator, Sequence

import pytest

from anomaly.bootstrap import tables
from anomaly.errors import DeadlineExceeded, ModelError
from anomaly.imaging.photo import Photo
from anomaly.pipeline import Pipeline
from anomaly.service import Loaded, Service
from anomaly.types import Box, Detection, Findings, Image, Limits, ModelCard, Options, Tiles
from tests.pictures import encoded, gradient

FILE = encoded(gradient(320, 240))


class Watching:
    """A detector that finds a crack on every image, keeps no image, and knows whether anybody does."""

    card = ModelCard("watching", classes=("crack",))

    def __init__(self) -> None:
        self.shown: list[weakref.ref[Image]] = []
        self.fails = False

    def detect(
        self, images: Sequence[Image], threshold: float, keys: Sequence[str] = ()
    ) -> list[list[Detection]]:
        """Find one crack on each image, or fail."""
        self.shown += [
            weakref.ref(each) for image in images for each in (image, image.base) if each is not None
        ]
        if self.fails:
            raise ModelError("it failed")
        return [[Detection(Box(10, 20, 110, 70), "crack", 0.9)] for _ in images]


@pytest.fixture
def detector() -> Watching:
    """Give a detector that watches its images."""
    return Watching()


@pytest.fixture
def service(detector: Watching) -> Iterator[Service]:
    """Give a warm service round it."""
    pipeline = Pipeline(detector, None, tables.taxonomy(), tables.standards())
    service = Service(lambda: Loaded(pipeline, 4, {}, dict), limits=Limits(), max_waiting=16, cpu_threads=2)
    service.start()
    service.wait()
    detector.shown.clear()
    yield service
    service.close()


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("tiling", ["off", Tiles(200, 0)])
def test_photographs_go_without_the_collector(
    service: Service, detector: Watching, count: int, fails: bool, tiling: object
) -> None:
    """Nothing holds a photograph in a circle: answered or failed, its memory is free at once."""
    detector.fails = fails
    options = Options(tiling=tiling)  # type: ignore[arg-type]
    gc.collect()
    gc.disable()
    try:
        outcomes = asyncio.run(service.detect([Photo(FILE)] * count, options))
        assert all(isinstance(each.result, ModelError if fails else Findings) for each in outcomes)
        del outcomes
        service.close()  # its threads let go of what they had in hand
        assert detector.shown
        assert not any(each() is not None for each in detector.shown)
    finally:
        gc.enable()


def test_what_is_late_is_not_read(service: Service, detector: Watching) -> None:
    """A photograph whose time is over when it comes to be read fails without being decoded."""
    options = Options(timeout_ms=1)
    [outcome] = asyncio.run(service.detect([Photo(b"no picture at all")], options, since=0.0))
    assert isinstance(outcome.result, DeadlineExceeded)
    assert not detector.shown
