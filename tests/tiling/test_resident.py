"""What a large photograph costs in memory, from its bytes to the answer."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import cv2, numpy as np
from anomaly.backends import fake
from anomaly.bootstrap import tables
from anomaly.pipeline import Pipeline
from anomaly.types import Frame, Options, ScaleRequest, Tiles

def kb(name):
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name + ":"))

cracks = fake.load(boxes=4)
pipeline = Pipeline(cracks, cracks, tables.taxonomy(), tables.standards())
options = Options(
    include_masks=True, include_centre_lines=True, scale=ScaleRequest(mm_per_pixel=0.3), tiling=Tiles(640, 100)
)
grain = np.random.default_rng(0).integers(0, 255, (75, 100, 3), np.uint8)
small = np.ascontiguousarray(grain)
pipeline.run(Frame("a", cv2.resize(small, (1500, 1200)), "a"), options)  # what is built at first use is idle memory
data = cv2.imencode(".jpg", cv2.resize(small, (4000, 3000), interpolation=cv2.INTER_CUBIC))[1].tobytes()
open("/proc/self/clear_refs", "w").write("5")  # the peak starts anew: proc(5)
idle = kb("VmRSS")
image = cv2.cvtColor(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
found = pipeline.run(Frame("b", image, "b"), options)
print(found.tiles, len(found.anomalies), (kb("VmHWM") - idle) // 1024)
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the peak is read from Linux's /proc")
def test_a_photograph_of_12_megapixels_with_60_defects_stays_under_its_limit() -> None:
    """Decoding, tiles, merging, measuring and masks add less than 1.5 GB to the idle server's memory."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)

    tiles, defects, added_mb = (int(word) for word in done.stdout.split())

    assert tiles >= 40
    assert defects >= 60
    assert added_mb < 1500
