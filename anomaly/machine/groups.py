"""The control groups by which a container is limited (Linux, cgroups(7)), of version 1 and 2."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

GROUPS = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")


def folders(controller: str, groups: Path, own: Path) -> Iterator[tuple[Path, bool]]:
    """Yield the folders of the process's groups and of those around them, the innermost first.

    `controller` is "cpu" or "memory". With each comes whether it is of version 2. Some of them may not be there:
    in a container the path may be the host's. Nothing where the system has no such groups.
    """
    try:
        lines = own.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number != "0" and controller not in controllers.split(","):
            continue
        root = groups if number == "0" else groups / controller
        place = PurePosixPath(path.lstrip("/"))
        for folder in (place, *place.parents):
            yield root / folder, number == "0"


def words(file: Path) -> list[str]:
    """Return the words of a group's file, none where it is not there."""
    try:
        return file.read_text().split()
    except OSError:
        return []
