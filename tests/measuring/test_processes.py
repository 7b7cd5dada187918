import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np
import psutil
import pytest

from anomaly.errors import InternalError, NotReady
from anomaly.measuring import Job, Measuring, around
from anomaly.measuring.job import Measured
from anomaly.types import Mask, MaskFormat
from anomaly.wire.answer import to_json
from tests.pictures import gradient

PHOTO = gradient(400, 300)


@pytest.fixture(scope="module")
def measuring() -> Iterator[Measuring]:
    """Give a process that measures, shared by the tests of this file."""
    measuring = Measuring(1)
    yield measuring
    measuring.close()


def crack(x: int, y: int, form: MaskFormat | None = None) -> Job:
    """Return the job of a dark line on the photograph, 120 x 80 pixels."""
    bitmap = np.zeros((80, 120), np.uint8)
    cv2.line(bitmap, (5, 70), (115, 8), 1, 7)
    mask = Mask(bitmap.astype(np.bool_), x, y, 0.9)
    photo, corner = around(PHOTO, mask)
    return Job(mask, 400, 300, photo=photo, corner=corner, form=form)


def workers() -> list[psutil.Process]:
    """Return the processes that measure for this one: children of the server that forks them."""
    servers = [each for each in psutil.Process().children() if "forkserver" in " ".join(each.cmdline())]
    return [each for server in servers for each in server.children()]


def _as_json(found: Measured) -> bytes | None:
    return None if found.written is None else to_json(found.written.value)


def test_processes_find_what_the_thread_finds(measuring: Measuring) -> None:
    """Measures and written masks are the same wherever they are made, and in the order of the jobs."""
    jobs = [
        crack(10, 20, MaskFormat.RLE),
        replace(crack(0, 0, MaskFormat.POLYGON), measured=False),
        crack(200, 150, MaskFormat.PNG),
        Job(Mask(np.zeros((5, 0), np.bool_), 3, 4, 0.0), 400, 300),
    ]
    there, here = measuring.run(jobs), Measuring(0).run(jobs)
    assert [_as_json(each) for each in there] == [_as_json(each) for each in here]
    assert [each.geometry is None for each in there] == [False, True, False, True]
    for one, other in zip(there, here, strict=True):
        if one.geometry is not None and other.geometry is not None:
            assert one.geometry.length_pixels == other.geometry.length_pixels > 100
            assert one.geometry.width_pixels == other.geometry.width_pixels
            np.testing.assert_array_equal(one.geometry.centre_lines[0], other.geometry.centre_lines[0])


def test_a_killed_process_costs_no_answer(measuring: Measuring) -> None:
    """When the processes are killed they are started again, and the photograph is measured all the same."""
    [before] = measuring.run([crack(10, 20)])
    killed = workers()
    assert killed
    for each in killed:
        each.kill()
    psutil.wait_procs(killed, timeout=10)
    [after] = measuring.run([crack(10, 20)])
    assert before.geometry is not None
    assert after.geometry is not None
    assert after.geometry.length_pixels == before.geometry.length_pixels


class Deadly:
    """Ends the process that unpacks it."""

    def __reduce__(self) -> tuple[object, ...]:
        return os._exit, (1,)


def test_what_kills_them_twice_fails_alone(measuring: Measuring) -> None:
    """A mask over which the processes die is given up after the second time, and the next one is measured."""
    with pytest.raises(InternalError, match="twice"):
        measuring.run([replace(crack(10, 20), form=Deadly())])  # type: ignore[arg-type]
    [found] = measuring.run([crack(10, 20)])
    assert found.geometry is not None


def test_nothing_is_measured_after_the_end() -> None:
    """Closed, it starts no process any more; closing twice does no harm."""
    closed = Measuring(1)
    closed.close()
    closed.close()
    with pytest.raises(NotReady):
        closed.run([crack(10, 20)])


def test_they_end_with_a_server_that_was_killed() -> None:
    """Processes whose parent is killed without a word end by themselves."""
    program = (
        "import os, psutil\n"
        "from anomaly.measuring import Measuring\n"
        "if __name__ == '__main__':\n"
        "    measuring = Measuring(1); measuring.warm()\n"
        "    measuring._started().submit(os.getpid).result()\n"
        "    print(*(each.pid for each in psutil.Process().children(recursive=True)), flush=True)\n"
        "    input()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pids = [int(each) for each in parent.stdout.readline().split()]
        assert len(pids) >= 2
        parent.send_signal(signal.SIGKILL)
    until = time.monotonic() + 20
    while any(map(psutil.pid_exists, pids)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(map(psutil.pid_exists, pids))
