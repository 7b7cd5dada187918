"""When a worker is better replaced than kept."""

from collections.abc import Callable, Sequence

from anomaly.errors import AnomalyError, DeviceLost, ModelError, OutOfMemory

FAILURES_IN_A_ROW = 3
"""One photograph may be at fault, for being too large for the memory; three jobs in a row are not."""


LEAST_SHARE = 0.5
"""Of the memory that was free at the start, so much is free again after a job ran out of it, or something leaks:
what was free then was so beside the largest batch, and backends empty their caches when memory runs out."""


class Recycling:
    """Counts jobs, and those in a row that the model failed; and notes a device, or memory, that is gone.

    `free_mb` tells the device's free memory, None where nobody knows; it is asked now, for the start.
    """

    def __init__(self, jobs_max: int | None = None, free_mb: Callable[[], int | None] = lambda: None) -> None:
        self._jobs_max = jobs_max
        self._free_mb = free_mb
        self._free_at_start_mb = free_mb()
        self._leaked: str | None = None
        self._taken = 0
        self._failed = 0
        self._lost = False

    def took(self) -> None:
        """Count a job that was taken."""
        self._taken += 1

    def ended(self, errors: Sequence[AnomalyError | None]) -> None:
        """Note how a job's photographs ended, None for an answer. What the caller got wrong says nothing."""
        if any(isinstance(each, DeviceLost) for each in errors):
            self._lost = True
        elif any(isinstance(each, OutOfMemory) for each in errors):
            self._look_at_memory()
        if None in errors:
            self._failed = 0
        elif any(isinstance(each, ModelError) for each in errors):
            self._failed += 1

    def room(self, wanted: int) -> int:
        """Return how many of `wanted` jobs may still be taken."""
        return wanted if self._jobs_max is None else min(wanted, self._jobs_max - self._taken)

    @property
    def reason(self) -> str | None:
        """Why the worker is to be replaced; None where it is not."""
        if self._lost:
            return "the device answers this process no more"
        if self._leaked is not None:
            return self._leaked
        if self._failed >= FAILURES_IN_A_ROW:
            return f"the model failed {self._failed} jobs in a row"
        if self._jobs_max is not None and self._taken >= self._jobs_max:
            return f"{self._taken} jobs were taken, as many as WORKER_JOBS_MAX allows"
        return None

    def _look_at_memory(self) -> None:
        then_mb, now_mb = self._free_at_start_mb, self._free_mb()
        if then_mb is not None and now_mb is not None and now_mb < LEAST_SHARE * then_mb:
            self._leaked = f"{now_mb} MB are free after a job ran out of memory, of {then_mb} at the start"
