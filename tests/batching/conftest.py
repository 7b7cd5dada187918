"""A model and a queue in front of it."""

from collections.abc import Iterator

import pytest

from anomaly.batching import Batcher
from tests.batching.doubling import Model


@pytest.fixture
def model() -> Model:
    """Give a model that works."""
    return Model()


@pytest.fixture
def batcher(model: Model) -> Iterator["Batcher[int, int]"]:
    """Give a queue of 8 in front of it, with batches of 4."""
    batcher = Batcher(model.run, max_batch=4, max_waiting=8)
    yield batcher
    model.free.set()
    batcher.close()
