"""Work that is handed in and asked for later, in the shapes of RunPod's queue, kept where a restart finds it.

Knows nothing of photographs: `Jobs` calls a function with each job and keeps what it returns.
"""

from anomaly.jobs.job import Ended, Job, Postponed
from anomaly.jobs.postman import Postman
from anomaly.jobs.queue import Handle, Jobs
from anomaly.jobs.store import Store
from anomaly.jobs.submission import Policy, Submission, parse
from anomaly.jobs.voice import Voice
from anomaly.types import JobState as State

__all__ = [
    "Ended",
    "Handle",
    "Job",
    "Jobs",
    "Policy",
    "Postman",
    "Postponed",
    "State",
    "Store",
    "Submission",
    "Voice",
    "parse",
]
