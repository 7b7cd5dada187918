"""One API for a pod and for a RunPod endpoint.

    with Client("http://localhost:8000") as client:
        answer = client.detect("bridge.jpg", mm_per_pixel=0.4)
        for anomaly in answer.anomalies:
            print(anomaly.defect_type, anomaly.physical.length_mm)

`Client` blocks and `AsyncClient` awaits; both do the same. `docs/client.md` tells the rest.
"""

from anomaly.client.answers import Answer, Failed, Result
from anomaly.client.asynchronous import AsyncClient
from anomaly.client.door import Patience
from anomaly.client.errors import (
    CallFailed,
    CallRefused,
    ClientError,
    JobCancelled,
    JobFailed,
    JobLost,
    JobTimedOut,
    JournalMismatch,
    LinkBroken,
    PhotoTooLarge,
    PhotoUnreadable,
    ResultLate,
)
from anomaly.client.job import AsyncJob, Pace, Status
from anomaly.client.photographs import Source
from anomaly.client.receiver import Notice, read_notice, receiver
from anomaly.client.sending import Sizes
from anomaly.client.survey import Survey
from anomaly.client.synchronous import Client, Job
from anomaly.types import JobState as State

__all__ = [
    "Answer",
    "AsyncClient",
    "AsyncJob",
    "CallFailed",
    "CallRefused",
    "Client",
    "ClientError",
    "Failed",
    "Job",
    "JobCancelled",
    "JobFailed",
    "JobLost",
    "JobTimedOut",
    "JournalMismatch",
    "LinkBroken",
    "Notice",
    "Pace",
    "Patience",
    "PhotoTooLarge",
    "PhotoUnreadable",
    "Result",
    "ResultLate",
    "Sizes",
    "Source",
    "State",
    "Status",
    "Survey",
    "read_notice",
    "receiver",
]
