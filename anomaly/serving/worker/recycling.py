"""When a worker is better replaced than kept."""

from collections.abc import Sequence

from anomaly.errors import AnomalyError, DeviceLost, ModelError

FAILURES_IN_A_ROW = 3
"""One photograph may be at fault, for being too large for the memory; three jobs in a row are not."""


class Recycling:
    """Counts jobs, and those in a row that the model failed; and notes a device that answers no more."""

    def __init__(self, jobs_max: int | None = None) -> None:
        self._jobs_max = jobs_max
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
        if self._failed >= FAILURES_IN_A_ROW:
            return f"the model failed {self._failed} jobs in a row"
        if self._jobs_max is not None and self._taken >= self._jobs_max:
            return f"{self._taken} jobs were taken, as many as WORKER_JOBS_MAX allows"
        return None
