import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from anomaly.simulator.background import Background


def test_it_is_entered_and_left_in_another_thread() -> None:
    """Start returns after the entry, stop after the exit, both in one thread that is not this."""
    threads: list[str] = []

    @asynccontextmanager
    async def held() -> AsyncIterator[None]:
        threads.append(threading.current_thread().name)
        yield
        threads.append(threading.current_thread().name)

    background = Background(held())
    background.start()
    assert threads == ["simulator"]
    background.stop()
    assert threads == ["simulator", "simulator"]


def test_a_failing_entry_is_raised_by_start() -> None:
    """What the entry raises reaches the host."""

    @asynccontextmanager
    async def held() -> AsyncIterator[None]:
        raise OSError("no port")
        yield

    with pytest.raises(OSError, match="no port"):
        Background(held()).start()


def test_a_failing_exit_is_raised_by_stop() -> None:
    """What the exit raises reaches the host."""

    @asynccontextmanager
    async def held() -> AsyncIterator[None]:
        yield
        raise OSError("stuck")

    background = Background(held())
    background.start()
    with pytest.raises(OSError, match="stuck"):
        background.stop()
