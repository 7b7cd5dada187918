"""The processes that measure.

Measuring is Python between many small steps of numpy: on threads it would take the interpreter from the one that
feeds the models. Only crops go to the processes, and numbers come back.
"""

import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from multiprocessing import connection

import cv2
import numpy as np
from numpy.typing import NDArray

from anomaly.errors import InternalError, NotReady
from anomaly.measuring.job import Job, Measured, work

log = logging.getLogger(__name__)

Packed = tuple[Job, NDArray[np.uint8], tuple[int, int]]

_NOTHING = np.empty((0, 0), np.bool_)


class Measuring:
    """Does jobs on `processes` processes, and where that is 0 in the thread that asks.

    They start with the first job, or at `warm`, and end with this process, however it ends. When one is killed
    all are started again, and what they had in work is done once more.
    """

    def __init__(self, processes: int = 0) -> None:
        self.processes = processes
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None
        self._closed = False

    def warm(self) -> None:
        """Start the processes and let them load what they need, without waiting for them."""
        if self.processes:
            pool = self._started()
            for _ in range(self.processes):
                pool.submit(_work_all, [])

    def run(self, jobs: Sequence[Job]) -> list[Measured]:
        """Do `jobs`, and return what came of them in their order. Any thread.

        Raises `InternalError` where the processes were killed over them twice, `NotReady` once closed.
        """
        if not self.processes or not jobs:
            return [work(job) for job in jobs]
        shares = _shares(jobs, self.processes)
        results: dict[int, Measured] = {}
        for share, found in zip(shares, self._done(jobs, shares), strict=True):
            results.update(zip(share, found, strict=True))
        return [results[number] for number in range(len(jobs))]

    def close(self) -> None:
        """End the processes once they have done what they have. Safe to call twice."""
        with self._lock:
            self._closed = True
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown()

    def _done(self, jobs: Sequence[Job], shares: Sequence[Sequence[int]]) -> list[list[Measured]]:
        for _ in range(2):
            pool = self._started()
            try:
                futures = [
                    pool.submit(_work_all, [_packed(jobs[number]) for number in share]) for share in shares
                ]
                return [future.result() for future in futures]
            except BrokenProcessPool:
                log.warning("a process that measures was killed; all of them are started again")
                self._drop(pool)
        raise InternalError("measuring this photo killed the processes that measure, twice")

    def _started(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._closed:
                raise NotReady("the server is stopping; send the request to another one")
            if self._pool is None:
                # Not forked from here: threads, and a GPU's context, do not survive that.
                context = multiprocessing.get_context("forkserver")
                context.set_forkserver_preload(["__main__", "anomaly.measuring"])
                self._pool = ProcessPoolExecutor(self.processes, mp_context=context, initializer=_begin)
            return self._pool

    def _drop(self, pool: ProcessPoolExecutor) -> None:
        with self._lock:
            if self._pool is pool:  # else another thread was quicker
                self._pool = None
        pool.shutdown(wait=False)


def _shares(jobs: Sequence[Job], count: int) -> list[list[int]]:
    """Deal the jobs' numbers to at most `count` shares of about the same number of pixels, the largest first."""
    shares: list[list[int]] = [[] for _ in range(min(count, len(jobs)))]
    sizes = [0] * len(shares)
    for number in sorted(range(len(jobs)), key=lambda each: -jobs[each].mask.bitmap.size):
        least = sizes.index(min(sizes))
        shares[least].append(number)
        sizes[least] += jobs[number].mask.bitmap.size + 1
    return shares


def _begin() -> None:
    """Make a new process one that works for its parent only."""
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # a terminal sends it to all; the parent ends them in its time
    cv2.setNumThreads(1)  # as many processes as there is room for
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(0)


def _packed(job: Job) -> Packed:
    """Return a job whose mask has eight pixels in a byte: what is sent is copied four times on its way."""
    bits = np.packbits(job.mask.bitmap)
    return replace(job, mask=replace(job.mask, bitmap=_NOTHING)), bits, job.mask.bitmap.shape


def _unpacked(packed: Packed) -> Job:
    job, bits, (height, width) = packed
    bitmap = np.unpackbits(bits, count=height * width).view(np.bool_).reshape(height, width)
    return replace(job, mask=replace(job.mask, bitmap=bitmap))


def _work_all(parcel: Sequence[Packed]) -> list[Measured]:
    return [work(_unpacked(each)) for each in parcel]
