import pytest

from benchmarks import memory


def test_memory_is_read_from_each_count_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """The resident set is told for each count of requests, and is that of a Python server."""
    monkeypatch.setattr(memory, "READINGS", 1)
    sizes = memory.measure([20, 10])
    assert list(sizes) == [10, 20]
    assert all(20 < size < 4000 for size in sizes.values())
