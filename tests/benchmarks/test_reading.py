from concurrent.futures import ThreadPoolExecutor

from benchmarks import reading
from benchmarks.serving.requests import photograph


def test_each_way_of_reading_gives_a_time() -> None:
    """All ways read the photograph, and each has its cost to this process."""
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
        took = reading.measure(photograph(64, 48), one, other, 3)
    assert len(took) == 4
    assert took["the decoder"] > 0
