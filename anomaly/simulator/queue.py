"""Every job of one endpoint: who may have it, when it is lost, when it is forgotten. No HTTP, no waiting.

What the platform does not document is decided here, so that it can be read in one place:

- A job that no ping of its worker has named for `lost_after_s`, or whose worker's process ended, is lost. It
  is put back at the head of the queue, once; lost again it has FAILED.
- The first answer counts, whoever gives it, and also when the job stands in the queue again. An answer to a
  finished job changes nothing and is counted in `repeats`.
- A job past its ttl is TIMED_OUT; its worker is told to stop and an answer finds no such job (404).
- A job past its execution timeout has FAILED; its worker is told to stop.
- A purged job is CANCELLED.
"""

import uuid
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from anomaly.errors import InvalidRequest, QueueFull
from anomaly.simulator.job import EXECUTION_TIMEOUT, Job, Submission
from anomaly.simulator.limits import Limits
from anomaly.types import JobState as State


@dataclass(frozen=True, slots=True)
class Counts:
    """Jobs by fate. `in_queue` and `in_progress` are of the moment, the others since the start."""

    in_queue: int
    in_progress: int
    completed: int
    failed: int
    cancelled: int
    retried: int
    repeats: int


class JobQueue:
    """The jobs of one endpoint. `on_change` is called with each job that has just changed."""

    def __init__(
        self,
        clock: Callable[[], float],
        limits: Limits | None = None,
        on_change: Callable[[Job], None] = lambda job: None,
    ) -> None:
        self._clock = clock
        self._limits = limits or Limits()
        self._on_change = on_change
        self._jobs: dict[str, Job] = {}
        self._normal: OrderedDict[str, None] = OrderedDict()
        self._low: OrderedDict[str, None] = OrderedDict()
        self._again: list[str] = []
        self._chunks: defaultdict[str, list[Any]] = defaultdict(list)
        self._stops: defaultdict[str, list[str]] = defaultdict(list)
        self._tally: defaultdict[str, int] = defaultdict(int)

    # What clients do

    def submit(self, submission: Submission) -> Job:
        """Put a job at the end of the queue. Raises `QueueFull` where the queue is as long as it may be."""
        waiting = len(self._normal) + len(self._low)
        allowed = max(self._limits.queue_floor, self._limits.max_workers * self._limits.queue_per_worker)
        if waiting >= allowed:
            raise QueueFull(f"{waiting} jobs wait, {allowed} may; send this one again later")
        now = self._clock()
        job_id = f"{'sync-' if submission.sync else ''}{uuid.uuid4()}-u1"
        return self._put(Job(job_id, submission, now, now + submission.policy.ttl_s))

    def get(self, job_id: str) -> Job | None:
        """Return the job, or None where there never was one or it is forgotten."""
        job = self._jobs.get(job_id)
        return self._age(job) if job else None

    def jobs(self) -> tuple[Job, ...]:
        """Return every job that is not forgotten, oldest first."""
        return tuple(self._jobs.values())

    def keep_for(self, job_id: str, ttl_s: float) -> None:
        """Let the job expire `ttl_s` from now (`/status?ttl=`); an unknown job is left alone."""
        if job := self._jobs.get(job_id):
            self._jobs[job_id] = job.expiring(self._clock() + ttl_s)

    def drain(self, job_id: str) -> list[Any]:
        """Return the streamed chunks that have come since the last call."""
        return self._chunks.pop(job_id, [])

    def cancel(self, job_id: str) -> Job | None:
        """End the job where it has not ended, and return it; None where it is unknown."""
        job = self.get(job_id)
        return self._end(job, State.CANCELLED) if job and not job.state.final else job

    def retry(self, job_id: str) -> Job | None:
        """Queue a failed or timed-out job again; None where unknown, `InvalidRequest` in any other state."""
        job = self.get(job_id)
        if job is None:
            return None
        if job.state not in (State.FAILED, State.TIMED_OUT):
            raise InvalidRequest(f"job {job_id} is {job.state}; only FAILED and TIMED_OUT can be retried")
        self._tally["retried"] += 1
        self._chunks.pop(job_id, None)
        return self._put(job.resubmitted(self._clock()))

    def purge(self) -> int:
        """Cancel every job that waits; return how many did."""
        waiting = [self._jobs[job_id] for job_id in (*self._normal, *self._low)]
        for job in waiting:
            self._end(job, State.CANCELLED)
        return len(waiting)

    # What workers do

    def take(self, worker_id: str, count: int = 1) -> list[Job]:
        """Hand out up to `count` jobs: duplicates first, then in order, low priority last."""
        taken: list[Job] = []
        while len(taken) < count and self._again:
            if job := self.get(self._again.pop(0)):
                taken.append(job)
        while len(taken) < count and (line := self._normal or self._low):
            job = self.get(next(iter(line)))
            if job and job.state is State.IN_QUEUE:  # else it expired at this moment, and has left the line
                taken.append(self._put(job.taken(worker_id, self._clock())))
        return taken

    def hand_out_again(self, job_id: str) -> None:
        """Let the next taker have this job too, although it is in progress: a fault."""
        self._again.append(job_id)

    def heard(self, job_ids: Iterable[str], worker_id: str) -> None:
        """Note that a ping of `worker_id` names these jobs."""
        for job_id in job_ids:
            job = self._jobs.get(job_id)
            if job and job.state is State.IN_PROGRESS and job.worker_id == worker_id:
                self._jobs[job_id] = job.heard(self._clock())

    def progress(self, job_id: str, output: Any) -> bool:
        """Show an interim output; False where there is no such job. After the end it changes nothing."""
        job = self.get(job_id)
        if job and job.state is State.IN_PROGRESS:
            self._put(job.progressed(output, self._clock()))
        return job is not None

    def stream(self, job_id: str, chunk: Any) -> bool:
        """Add a chunk for /stream; False where there is no such job."""
        job = self.get(job_id)
        if job is None:
            return False
        self._chunks[job_id].append(chunk)
        if job.state is State.IN_PROGRESS:
            self._put(job.heard(self._clock()))
        return True

    def answer(self, job_id: str, output: Any = None, error: str | None = None) -> bool:
        """End the job: FAILED where there is an `error`, not empty. False where there is no such job."""
        job = self.get(job_id)
        if job is None or job.state is State.TIMED_OUT:
            return False
        if job.state.final:
            self._tally["repeats"] += 1
        else:
            state = State.FAILED if error else State.COMPLETED
            self._put(job.finished(state, self._clock(), output, error or None))
        return True

    def stops(self, worker_id: str) -> list[str]:
        """Return, once, the jobs that the worker is to stop."""
        return self._stops.pop(worker_id, [])

    def worker_gone(self, worker_id: str) -> None:
        """Take back what a worker had whose process has ended."""
        for job in self.jobs():
            if job.state is State.IN_PROGRESS and job.worker_id == worker_id:
                self._lose(job)

    # What time does

    def sweep(self) -> None:
        """Let time pass for every job: expire, time out, lose and forget."""
        for job in self.jobs():
            self._age(job)

    def counts(self) -> Counts:
        """Return how many jobs there are and were of each kind."""
        in_progress = sum(job.state is State.IN_PROGRESS for job in self._jobs.values())
        tally = self._tally
        return Counts(
            in_queue=len(self._normal) + len(self._low),
            in_progress=in_progress,
            completed=tally[State.COMPLETED],
            failed=tally[State.FAILED] + tally[State.TIMED_OUT],
            cancelled=tally[State.CANCELLED],
            retried=tally["retried"],
            repeats=tally["repeats"],
        )

    def _age(self, job: Job) -> Job | None:
        """Return what the clock has made of the job, None where it is to be forgotten."""
        now, limits = self._clock(), self._limits
        if job.finished_at is not None:
            kept_s = limits.sync_retention_s if job.submission.sync else limits.async_retention_s
            outlived = now >= job.expires_at and job.state is not State.TIMED_OUT
            if outlived or now >= job.finished_at + kept_s:
                del self._jobs[job.id]
                self._chunks.pop(job.id, None)
                return None
            return job
        if now >= job.expires_at:
            return self._end(job, State.TIMED_OUT, "ttl exceeded")
        if job.state is State.IN_PROGRESS and job.taken_at is not None:
            if now >= job.taken_at + job.submission.policy.execution_timeout_s:
                return self._end(job, State.FAILED, EXECUTION_TIMEOUT)
            if now >= job.heard_at + limits.lost_after_s:
                return self._lose(job)
        return job

    def _end(self, job: Job, state: State, error: str | None = None) -> Job:
        if job.state is State.IN_PROGRESS and job.worker_id is not None:
            self._stops[job.worker_id].append(job.id)
        return self._put(job.finished(state, self._clock(), error=error))

    def _lose(self, job: Job) -> Job:
        if job.retries >= self._limits.max_redeliveries:
            error = f"job timed out after {job.retries} retries"
            return self._put(job.finished(State.FAILED, self._clock(), error=error))
        self._tally["retried"] += 1
        job = self._put(job.requeued())
        self._line(job).move_to_end(job.id, last=False)
        return job

    def _line(self, job: Job) -> OrderedDict[str, None]:
        return self._low if job.submission.policy.low_priority else self._normal

    def _put(self, job: Job) -> Job:
        self._jobs[job.id] = job
        if job.state is State.IN_QUEUE:
            self._line(job)[job.id] = None
        else:
            self._line(job).pop(job.id, None)
        if job.state.final:
            self._tally[job.state] += 1
        self._on_change(job)
        return job
