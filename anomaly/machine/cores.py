"""How many of the processor's cores this process may use."""

import math
import os
from collections.abc import Iterator
from pathlib import Path

from anomaly.machine.groups import GROUPS, OWN, folders, words


def cores(groups: Path = GROUPS, own: Path = OWN) -> int:
    """Return how many cores may be used at once, at least one."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limit = quota(groups, own)
    return allowed if limit is None else min(allowed, limit)


def quota(groups: Path = GROUPS, own: Path = OWN) -> int | None:
    """Return the cores whose time the process's container may use, None where it may use that of all.

    A part of a core counts as one: `--cpus=1.5` are two threads, which rest a quarter of the time.
    """
    least = min(_quotas(groups, own), default=None)
    return None if least is None else max(1, math.ceil(least))


def _quotas(groups: Path, own: Path) -> Iterator[float]:
    """Yield the time that each group may use, of that which passes; both are in microseconds."""
    for folder, second in folders("cpu", groups, own):
        if second:
            told = words(folder / "cpu.max")  # "max 100000" where there is no limit
        else:
            told = words(folder / "cpu.cfs_quota_us") + words(folder / "cpu.cfs_period_us")  # -1 where none
        if len(told) == 2 and told[0].isdigit() and told[1].isdigit() and int(told[1]):
            yield int(told[0]) / int(told[1])
