"""A few threads for what stands round a network: reducing pictures before it, enlarging masks after it."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from anomaly import machine

T = TypeVar("T")

MOST = 8
"""The work is memory-bound: more threads than this wait for the memory and for one another."""


class Threads:
    """Does the same to several things at once. `count` is one for each core that may be used, if left out.

    The work is to be in libraries that let go of the interpreter while they compute, as numpy and torch do.
    """

    def __init__(self, count: int | None = None) -> None:
        self._count = min(MOST, machine.cores()) if count is None else count
        self._pool = ThreadPoolExecutor(self._count, thread_name_prefix="beside") if self._count > 1 else None

    def map(self, run: Callable[..., T], *things: Sequence[Any]) -> list[T]:
        """Return `run` of each, in order; one alone is done here. Raises the first error in that order."""
        if len(things[0]) < 2:
            return [run(*each) for each in zip(*things, strict=True)]
        return list(self.begin(run, *things))

    def begin(self, run: Callable[..., T], *things: Sequence[Any]) -> Iterator[T]:
        """Begin with `run` of each, and give the results in order; without threads all is done at once, here."""
        if self._pool is None:
            return iter([run(*each) for each in zip(*things, strict=True)])
        return self._pool.map(run, *things)
