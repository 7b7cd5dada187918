"""How long each step of the start took."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


class Steps:
    """Milliseconds by step, in the order in which steps began. A step within another counts for itself alone.

    `before` is what was counted before.
    """

    def __init__(self, before: Mapping[str, float] | None = None) -> None:
        self._ms: dict[str, float] = dict(before or {})
        self._within_ms = 0.0

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Count the statement's time to the step `name`."""
        self._ms.setdefault(name, 0.0)
        outside_ms, self._within_ms = self._within_ms, 0.0
        began = time.perf_counter()
        try:
            yield
        finally:
            took_ms = (time.perf_counter() - began) * 1e3
            self._ms[name] += took_ms - self._within_ms
            self._within_ms = outside_ms + took_ms

    def taken(self) -> dict[str, float]:
        """Return what each step took so far, ms."""
        return {name: round(each, 1) for name, each in self._ms.items()}


def since_exec_ms() -> float | None:
    """Return how long this process has run, ms to 10, None where the system does not tell (Linux does)."""
    try:
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        began_s = int(fields[19]) / 100  # starttime, in ticks since boot; proc(5). USER_HZ is 100 everywhere
        return (time.clock_gettime(time.CLOCK_BOOTTIME) - began_s) * 1e3
    except (OSError, AttributeError, IndexError, ValueError):
        return None
