"""The cores of a machine or of a container, and who keeps to them."""

import os
from pathlib import Path

import pytest
import torch

from anomaly import machine
from anomaly.backends import device
from anomaly.bootstrap.load import processes
from anomaly.machine import cores, quota
from anomaly.settings import Settings
from tests.machine.test_memory import written

ALL = len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("told", "expected"),
    [("max 100000", None), ("200000 100000", 2), ("150000 100000", 2), ("5000 100000", 1), ("", None)],
)
def test_a_container_may_use_so_much_time(tmp_path: Path, told: str, expected: int | None) -> None:
    """`cpu.max` is time of all that passes: parts of a core count as one, and "max" is no limit."""
    written(tmp_path, {"own": "0::/pod/own\n", "pod/cpu.max": f"{told}\n", "cpu.max": "9900000 100000\n"})
    assert quota(tmp_path, tmp_path / "own") == (99 if expected is None else expected)
    assert cores(tmp_path, tmp_path / "own") == min(ALL, expected or ALL)


def test_version_1_has_two_files(tmp_path: Path) -> None:
    """Quota and period stand in files of their own there, and -1 is no limit."""
    group = "cpu/docker/17"
    written(tmp_path, {"own": "4:cpu,cpuacct:/docker/17\n", f"{group}/cpu.cfs_period_us": "50000\n"})
    assert quota(tmp_path, tmp_path / "own") is None
    written(tmp_path, {f"{group}/cpu.cfs_quota_us": "150000\n"})
    assert quota(tmp_path, tmp_path / "own") == 3
    written(tmp_path, {f"{group}/cpu.cfs_quota_us": "-1\n"})
    assert quota(tmp_path, tmp_path / "own") is None


def test_without_limits_all_cores_are_there(tmp_path: Path) -> None:
    """No groups, no quota: what the process may run on."""
    assert quota(tmp_path, tmp_path / "own") is None
    assert cores(tmp_path, tmp_path / "own") == ALL


@pytest.mark.parametrize(("count", "expected"), [(1, 0), (2, 1), (8, 7), (128, 32)])
def test_as_many_processes_measure_as_there_is_room_for(
    monkeypatch: pytest.MonkeyPatch, count: int, expected: int
) -> None:
    """One for each core but that of the models, and at most 32; what is set is set."""
    monkeypatch.setattr(machine, "cores", lambda: count)
    assert processes(Settings()) == expected
    assert processes(Settings(measuring_processes=40)) == 40


def test_torch_keeps_to_the_containers_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """It counts the host's by itself, and its threads would be stopped most of the time."""
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(6)
        monkeypatch.setattr(machine, "quota", lambda: None)
        device.place("cpu")
        assert torch.get_num_threads() == 6
        monkeypatch.setattr(machine, "quota", lambda: 3)
        device.place("cpu")
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
