"""What a call to a server can end in, beside an answer. Each has a `code`: the server's own where it gave one.

ClientError
├── CallFailed          call_failed         no answer, after every try that made sense
├── CallRefused         call_refused        the server read the request and said no; `status` is HTTP's
├── JobFailed           job_failed          the job ended without an answer
│   ├── JobCancelled    job_cancelled
│   ├── JobTimedOut     job_timed_out       the platform gave it up: its time to live or to run was over
│   └── JobLost         job_lost            the server does not know it, or not any more
├── LinkBroken          link_broken         masks that lie in a bucket cannot be read there
├── ResultLate          result_late         not done within the time that was given; it goes on
├── PhotoUnreadable     photo_unreadable    here, before anything was sent
├── PhotoTooLarge       photo_too_large     for the platform's limit, and no way round it was allowed
└── JournalMismatch     journal_mismatch    the journal is of other options, or in use
"""

from anomaly.errors import AnomalyError


class ClientError(AnomalyError):
    """Root of the client's errors. `code` is the server's own where it gave one."""

    code = "client_error"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code  # type: ignore[misc] # of this one error: what the server called it


class CallFailed(ClientError):
    """No answer: the connection broke, or the server was not able to. `status` is None without a response.

    `unheard` says that the server cannot have acted on the request; `retry_after_s` is its own wish.
    """

    code = "call_failed"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        status: int | None = None,
        unheard: bool = False,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message, code=code)
        self.status, self.unheard, self.retry_after_s = status, unheard, retry_after_s


class CallRefused(ClientError):
    """The server said no, and would say so again. `status` is HTTP's."""

    code = "call_refused"

    def __init__(self, message: str, *, status: int, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.status = status


class JobFailed(ClientError):
    """A job ended without an answer. `job_id` is the server's."""

    code = "job_failed"

    def __init__(self, message: str, *, job_id: str, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.job_id = job_id


class JobCancelled(JobFailed):
    """Somebody cancelled the job."""

    code = "job_cancelled"


class JobTimedOut(JobFailed):
    """The platform gave the job up before a worker was done with it."""

    code = "job_timed_out"


class JobLost(JobFailed):
    """The server does not know the job, or does not keep its result any more."""

    code = "job_lost"


class LinkBroken(ClientError):
    """An answer has a link in the place of its masks, and it does not open."""

    code = "link_broken"


class ResultLate(ClientError):
    """The result did not come in the time that was given; the job goes on."""

    code = "result_late"


class PhotoUnreadable(ClientError):
    """The photograph cannot be read here."""

    code = "photo_unreadable"


class PhotoTooLarge(ClientError):
    """The photograph is over the platform's limit, and there was no way round it."""

    code = "photo_too_large"


class JournalMismatch(ClientError):
    """The journal belongs to something else."""

    code = "journal_mismatch"
