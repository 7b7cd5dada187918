"""A clock that can be set forward, so that half an hour of retention passes in a test without waiting."""

import time


class Clock:
    """Seconds since an arbitrary start; runs by itself and jumps forward by `advance`."""

    def __init__(self) -> None:
        self._skipped_s = 0.0

    def __call__(self) -> float:
        """Return the present, seconds."""
        return time.monotonic() + self._skipped_s

    def advance(self, seconds: float) -> None:
        """Jump `seconds` (>= 0) forward."""
        if seconds < 0:
            raise ValueError(f"a clock runs forward only: {seconds} s given, expected 0 or more")
        self._skipped_s += seconds
