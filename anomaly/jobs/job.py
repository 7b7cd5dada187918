"""One job at one moment.

IN_QUEUE -> IN_PROGRESS -> COMPLETED | FAILED
    |  ^         |
    |  +---------+          the server stopped while it ran; `MOST_TRIES` times
    +------------+-> CANCELLED | TIMED_OUT      and FAILED | TIMED_OUT -> IN_QUEUE by /retry
"""

from dataclasses import dataclass
from typing import Any

import orjson

from anomaly.types import JobState as State

MOST_TRIES = 3
"""A job that ran so often and each time the server went down with it has failed: it may be the reason."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a job ended: its output, JSON, or an error's text."""

    output: bytes | None = None
    error: str | None = None


class Postponed(Exception):
    """A job that this server cannot bring to its end, through no fault of its own perhaps: the next one does.

    `str(error)` is what it fails with where it comes to this too often; `counts` False leaves the try uncounted.
    """

    def __init__(self, error: str, *, counts: bool) -> None:
        super().__init__(error)
        self.counts = counts


@dataclass(frozen=True, slots=True)
class Job:
    """A row of the store. Moments are unix seconds; `submission` is JSON, empty where it is of no use any more."""

    id: str
    state: State
    submission: bytes
    queued_at: float
    expires_at: float
    started_at: float | None = None
    ended_at: float | None = None
    output: bytes | None = None
    error: str | None = None
    tries: int = 0

    def asked(self) -> dict[str, Any]:
        """Return what was handed in: `input`, and `webhook`, `s3Config`, `policy` where they were given."""
        asked: dict[str, Any] = orjson.loads(self.submission)
        return asked

    def brief(self) -> dict[str, object]:
        """Return what `/run` and `/cancel` answer."""
        return {"id": self.id, "status": str(self.state)}

    def view(self) -> dict[str, object]:
        """Return what `/status` answers: times in whole ms, and only the fields that have a value."""
        view = self.brief()
        if self.started_at is not None and self.state is not State.IN_QUEUE:
            view["delayTime"] = round((self.started_at - self.queued_at) * 1e3)
            if self.ended_at is not None:
                view["executionTime"] = round((self.ended_at - self.started_at) * 1e3)
        if self.tries > 1:
            view["retries"] = self.tries - 1
        if self.output is not None:
            view["output"] = orjson.Fragment(self.output)
        if self.error is not None:
            view["error"] = self.error
        return view
