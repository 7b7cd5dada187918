"""One job and its transitions: frozen values, no clock, no HTTP.

IN_QUEUE -> IN_PROGRESS -> COMPLETED | FAILED
    |  ^         |
    |  +- lost --+          once; a second loss is FAILED
    +------------+--------> CANCELLED | TIMED_OUT      and FAILED | TIMED_OUT -> IN_QUEUE by /retry
"""

from dataclasses import dataclass, replace
from typing import Any

from anomaly.types import JobState as State

EXECUTION_TIMEOUT = "executionTimeout exceeded"
"""The platform's wording; such a job has FAILED, it is not TIMED_OUT (observed)."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How long a job may run and live, seconds, and whether it stands back behind others."""

    execution_timeout_s: float = 600.0
    ttl_s: float = 86_400.0
    low_priority: bool = False


@dataclass(frozen=True, slots=True)
class Submission:
    """What a client handed in. `sync` says /runsync, which is kept for a shorter time."""

    input: Any
    sync: bool = False
    webhook: str | None = None
    s3_config: dict[str, Any] | None = None
    policy: Policy = Policy()


@dataclass(frozen=True, slots=True)
class Job:
    """A job at one moment. Times are the clock's seconds; `output` and `error` are the worker's own."""

    id: str
    submission: Submission
    queued_at: float
    expires_at: float
    state: State = State.IN_QUEUE
    worker_id: str | None = None
    taken_at: float | None = None
    heard_at: float = 0.0
    finished_at: float | None = None
    output: Any = None
    error: str | None = None
    retries: int = 0

    def taken(self, worker_id: str, now: float) -> "Job":
        """Return the job in the hands of `worker_id`."""
        return replace(self, state=State.IN_PROGRESS, worker_id=worker_id, taken_at=now, heard_at=now)

    def heard(self, now: float) -> "Job":
        """Return the job known to be alive at `now`."""
        return replace(self, heard_at=now)

    def progressed(self, output: Any, now: float) -> "Job":
        """Return the job with an interim output, which /status shows until the result replaces it."""
        return replace(self, output=output, heard_at=now)

    def expiring(self, at: float) -> "Job":
        """Return the job with another moment at which its ttl ends."""
        return replace(self, expires_at=at)

    def finished(self, state: State, now: float, output: Any = None, error: str | None = None) -> "Job":
        """Return the job in a final state, its interim output replaced."""
        return replace(self, state=state, finished_at=now, output=output, error=error)

    def requeued(self) -> "Job":
        """Return the job back in the queue after its worker lost it."""
        return replace(self, state=State.IN_QUEUE, output=None, retries=self.retries + 1)

    def resubmitted(self, now: float) -> "Job":
        """Return the job as /retry leaves it: the same id and input, everything else anew."""
        return Job(self.id, self.submission, now, now + self.submission.policy.ttl_s)

    def for_worker(self) -> dict[str, Any]:
        """Return what job-take answers.

        An empty input is left out, as on the platform; the SDK refuses the job then, and nobody runs it.
        """
        given = {
            "input": self.submission.input,
            "webhook": self.submission.webhook,
            "s3Config": self.submission.s3_config,
        }
        return {"id": self.id} | {name: value for name, value in given.items() if value not in (None, {})}

    def for_client(self) -> dict[str, Any]:
        """Return what /status answers: times in whole milliseconds, and only the fields that have a value."""
        view: dict[str, Any] = {"id": self.id, "status": str(self.state)}
        if self.taken_at is not None and self.state is not State.IN_QUEUE:
            view |= {"delayTime": round((self.taken_at - self.queued_at) * 1000), "workerId": self.worker_id}
            if self.finished_at is not None:
                view["executionTime"] = round((self.finished_at - self.taken_at) * 1000)
        if self.retries:
            view["retries"] = self.retries
        if self.output is not None:
            view["output"] = self.output
        if self.error is not None:
            view["error"] = self.error
        return view
