import subprocess
import sys

import pytest

ROUNDS = """
import resource
from anomaly.serving.allocator import keep_blocks

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    blocks = [bytearray(b"x") * 6_000_000 for _ in range(10)]
    del blocks
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

print(keep_blocks(), faults(), faults())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's allocator")
def test_a_photograph_takes_what_the_last_one_left() -> None:
    """Blocks of a photograph's size that were freed are used again without new pages from the system."""
    kept, first, second = subprocess.run(
        [sys.executable, "-c", ROUNDS], check=True, capture_output=True, text=True
    ).stdout.split()
    if kept == "False":
        pytest.skip("another allocator than glibc's")
    assert int(second) < int(first) / 10
