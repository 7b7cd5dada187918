import subprocess
import sys

import pytest

ROUNDS = """
import resource
from concurrent.futures import ThreadPoolExecutor
from anomaly.serving.allocator import keep_blocks

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    blocks = [bytearray(b"x") * 6_000_000 for _ in range(10)]
    del blocks
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

print(keep_blocks())
threads = [ThreadPoolExecutor(1) for _ in range(2)]
for thread in threads:
    thread.submit(int).result()
for thread in threads:
    print(thread.submit(faults).result())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's allocator")
def test_a_photograph_takes_what_the_last_one_left() -> None:
    """Blocks of a photograph's size that one thread freed another one uses, without new pages from the system."""
    kept, first, second = subprocess.run(
        [sys.executable, "-c", ROUNDS], check=True, capture_output=True, text=True
    ).stdout.split()
    if kept == "False":
        pytest.skip("another allocator than glibc's")
    assert int(second) < int(first) / 10


STAYING = """
import gc
from anomaly.serving.allocator import leave_what_stays

stays = [[number] for number in range(1000)]
leave_what_stays()
print(gc.get_freeze_count() > 1000, any(each is stays for each in gc.get_objects()), gc.isenabled())
"""


def test_the_collector_leaves_alone_what_was_loaded() -> None:
    """What was there when everything was loaded is not gone over again, and what comes after it still is."""
    assert subprocess.run(
        [sys.executable, "-c", STAYING], check=True, capture_output=True, text=True
    ).stdout.split() == ["True", "False", "True"]
