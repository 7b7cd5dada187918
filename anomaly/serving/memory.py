"""How much memory this process may have."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath

GROUPS = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")


def memory_bytes(groups: Path = GROUPS, own: Path = OWN) -> int | None:
    """Return the machine's memory, or what its container may use of it, bytes; None where the system does not tell.

    Reads the limits of the process's control group and of those around it (cgroup v2), or of its memory
    controller (v1).
    """
    known = [*_limits(groups, own)]
    with suppress(OSError, ValueError):  # not every system has the first name
        known.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min(known, default=None)


def _limits(groups: Path, own: Path) -> Iterator[int]:
    try:
        lines = own.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0":
            root, name = groups, "memory.max"
        elif "memory" in controllers.split(","):
            root, name = groups / "memory", "memory.limit_in_bytes"
        else:
            continue
        place = PurePosixPath(path.lstrip("/"))
        for folder in (place, *place.parents):
            try:
                text = (root / folder / name).read_text().strip()
            except OSError:  # in a container the path may be the host's
                continue
            if text.isdigit():  # v2 says "max" where there is none
                yield int(text)
