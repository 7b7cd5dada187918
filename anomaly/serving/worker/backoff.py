"""How long to wait before the next try."""

import random


class Backoff:
    """Waits that double from `first_s` to `most_s`, each shortened by up to half at random.

    The jitter keeps workers that failed together from coming back together.
    """

    def __init__(self, first_s: float, most_s: float) -> None:
        self._first_s = first_s
        self._most_s = most_s
        self._tries = 0

    def next_s(self) -> float:
        """Return the next wait, seconds."""
        whole = min(self._most_s, self._first_s * 2.0 ** min(self._tries, 30))
        self._tries += 1
        return whole * random.uniform(0.5, 1.0)  # noqa: S311 - to spread, not to be secret

    def reset(self) -> None:
        """Begin again at `first_s`: something worked."""
        self._tries = 0
