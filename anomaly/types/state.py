"""Where a job stands: the words that the queue, its clients and the simulated platform share."""

from enum import StrEnum


class JobState(StrEnum):
    """Where a job stands, in RunPod's words."""

    IN_QUEUE = "IN_QUEUE"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    TIMED_OUT = "TIMED_OUT"

    @property
    def final(self) -> bool:
        """Whether nothing changes it any more but `/retry`."""
        return self not in (JobState.IN_QUEUE, JobState.IN_PROGRESS)
