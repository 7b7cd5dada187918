"""The first batches, run before anybody waits for them: what is built at first use is built then."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from anomaly.errors import OutOfMemory

log = logging.getLogger(__name__)


def warm(run: Callable[[int], object], batches: Sequence[int], console: Console | None = None) -> int:
    """Call `run` with each of `batches`, the largest first; return the largest that fitted into the memory.

    The largest first: its memory then serves all the others. On a terminal a bar shows how far it is, and
    elsewhere the log does. Raises `OutOfMemory` where not even the smallest fits, and what `run` raises.
    """
    fitted = 0
    sizes = sorted(set(batches), reverse=True)
    with _shown(len(sizes), console or Console(stderr=True)) as show:
        for number, size in enumerate(sizes, 1):
            show(f"photos at a time: {size}")
            began = time.perf_counter()
            try:
                run(size)
            except OutOfMemory:
                if number == len(sizes):
                    raise
                log.warning("out of memory at %d photos; the largest batch will be smaller", size)
            else:
                log.info("warm for %d photos after %.1f s", size, time.perf_counter() - began)
                fitted = max(fitted, size)
    return fitted


@contextmanager
def _shown(total: int, console: Console) -> Iterator[Callable[[str], None]]:
    """Give a function that shows the next step and its name: on a terminal in a bar that goes when it is done."""
    if not console.is_terminal or total < 2:
        yield lambda name: None
        return
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("Warming up", total=total)
        steps = iter(range(total))
        yield lambda name: bar.update(task, completed=next(steps), description=f"Warming up, {name}")
