"""The memory of a machine or of a container, and what is free of it."""

import os
from pathlib import Path

import pytest

from anomaly.machine import free_bytes, memory_bytes

MACHINE = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def written(root: Path, files: dict[str, str]) -> Path:
    """Write files below `root` and return it."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("own", "name"),
    [
        ("0::/service/inner", "service/memory.max"),
        ("0::/service/inner", "memory.max"),
        ("3:cpu:/x\n5:memory:/docker/17", "memory/memory.limit_in_bytes"),
    ],
)
def test_a_containers_limit_is_its_memory(tmp_path: Path, own: str, name: str) -> None:
    """The limit of a control group, or of one around it, counts where it is less than the machine has."""
    written(tmp_path, {"own": f"{own}\n", "service/inner/memory.max": "max\n"})
    assert memory_bytes(tmp_path, tmp_path / "own") == MACHINE
    written(tmp_path, {name: "50000000\n"})
    assert memory_bytes(tmp_path, tmp_path / "own") == 50_000_000
    written(tmp_path, {name: "9223372036854771712\n"})  # how v1 says that there is none
    assert memory_bytes(tmp_path, tmp_path / "own") == MACHINE
    assert memory_bytes(tmp_path, tmp_path / "nowhere") == MACHINE


def test_what_is_free_in_a_container_is_its_own(tmp_path: Path) -> None:
    """What its limit leaves over what it uses; files that were not used lately give way."""
    host = written(tmp_path, {"meminfo": "MemTotal: 64000 kB\nMemFree: 10 kB\nMemAvailable: 32000 kB\n"})
    free = {"own": tmp_path / "own", "memory": host / "meminfo"}
    assert free_bytes(tmp_path, **free) == 32_000 * 1024
    written(tmp_path, {"own": "0::/\n", "memory.max": "9000000\n", "memory.current": "5000000\n"})
    assert free_bytes(tmp_path, **free) == 4_000_000
    written(tmp_path, {"memory.stat": "anon 3000000\ninactive_file 1500000\nactive_file 500000\n"})
    assert free_bytes(tmp_path, **free) == 5_500_000
    written(tmp_path, {"memory.current": "12000000\n"})
    assert free_bytes(tmp_path, **free) == 0


def test_version_1_has_other_names(tmp_path: Path) -> None:
    """Usage and files stand in files of other names there."""
    group = "memory/docker/17"
    written(
        tmp_path,
        {
            "own": "5:memory:/docker/17\n",
            f"{group}/memory.limit_in_bytes": "9000000\n",
            f"{group}/memory.usage_in_bytes": "5000000\n",
            f"{group}/memory.stat": "inactive_file 7\ntotal_inactive_file 1000000\n",
        },
    )
    assert free_bytes(tmp_path, tmp_path / "own", tmp_path / "absent") == 5_000_000


def test_a_system_that_tells_nothing_is_not_guessed(tmp_path: Path) -> None:
    """Without groups and without /proc nobody knows what is free; here somebody does."""
    assert free_bytes(tmp_path, tmp_path / "own", tmp_path / "absent") is None
    assert 0 < (free_bytes() or 0) < (memory_bytes() or 0) <= MACHINE
