import time

import pytest

from anomaly.simulator.clock import Clock


def test_a_clock_jumps_forward_and_runs_on() -> None:
    """Advancing adds exactly the given seconds to a clock that runs by itself."""
    clock = Clock()
    real, before = time.monotonic(), clock()
    clock.advance(1800)
    passed_s = clock() - before
    assert 1800 <= passed_s <= 1800 + time.monotonic() - real


def test_a_clock_does_not_run_backwards() -> None:
    """Advancing by less than nothing is refused."""
    with pytest.raises(ValueError, match="-1"):
        Clock().advance(-1)
