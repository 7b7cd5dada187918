"""How much memory this process may have, and how much of it is free."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from anomaly.machine.groups import GROUPS, OWN, folders, words

MEMORY = Path("/proc/meminfo")


def memory_bytes(groups: Path = GROUPS, own: Path = OWN) -> int | None:
    """Return the machine's memory, or what its container may use of it, bytes; None where the system does not tell."""
    known = [limit for limit, _ in _limits(groups, own)]
    with suppress(OSError, ValueError):  # not every system has the first name
        known.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min(known, default=None)


def free_bytes(groups: Path = GROUPS, own: Path = OWN, memory: Path = MEMORY) -> int | None:
    """Return what can still be had of it without anything being ended, bytes; None where the system does not tell.

    Files that the system keeps in memory for speed give way, and count as free.
    """
    known = [limit - used for limit, used in _limits(groups, own)]
    told = words(memory)
    if "MemAvailable:" in told:  # in kB (proc(5))
        known.append(int(told[told.index("MemAvailable:") + 1]) * 1024)
    return max(0, min(known)) if known else None


def _limits(groups: Path, own: Path) -> Iterator[tuple[int, int]]:
    """Yield the limit of each group that has one, and what is used of it.

    Version 1 writes "no limit" as a number that no machine has.
    """
    for folder, second in folders("memory", groups, own):
        limit = words(folder / ("memory.max" if second else "memory.limit_in_bytes"))
        if limit and limit[0].isdigit():  # version 2 says "max" where there is none
            used = words(folder / ("memory.current" if second else "memory.usage_in_bytes"))
            yield int(limit[0]), (int(used[0]) if used else 0) - _files(folder, second)


def _files(folder: Path, second: bool) -> int:
    """Return the bytes of files that were not used lately, which a container's tools do not count as used either."""
    told = words(folder / "memory.stat")
    name = "inactive_file" if second else "total_inactive_file"
    return int(told[told.index(name) + 1]) if name in told else 0
