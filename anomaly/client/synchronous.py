"""The client, for programs without an event loop: `AsyncClient` on a loop of its own, in a thread of its own."""

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from anomaly.client.answers import Answer, Result
from anomaly.client.asynchronous import IN_FLIGHT, AsyncClient
from anomaly.client.door import Patience
from anomaly.client.job import AsyncJob, Output, Pace, Status
from anomaly.client.leaving import LEAVE_S, ended
from anomaly.client.photographs import Source
from anomaly.client.run import Told
from anomaly.client.sending import Sizes
from anomaly.client.survey import Survey
from anomaly.storage import Bucket
from anomaly.types import JobState as State

T = TypeVar("T")


class Job:
    """One job, as `AsyncJob`, blocking."""

    def __init__(self, job: AsyncJob, thread: "_Thread") -> None:
        self._job, self._thread = job, thread

    @property
    def id(self) -> str:
        """The server's id: keep it, and `Client.job(id)` finds the job again."""
        return self._job.id

    def status(self) -> Status:
        """Ask how it stands; see `AsyncJob.status`."""
        return self._thread.run(self._job.status())

    def result(self, timeout_s: float | None = None) -> Result:
        """Wait for the end and return the answer; see `AsyncJob.result`."""
        return self._thread.run(self._job.result(timeout_s))

    def results(self, timeout_s: float | None = None) -> list[Result]:
        """Wait for the end and return the answers of all its photos; see `AsyncJob.results`."""
        return self._thread.run(self._job.results(timeout_s))

    def output(self, timeout_s: float | None = None) -> Output:
        """Wait for the end and return the output as it is; see `AsyncJob.output`."""
        return self._thread.run(self._job.output(timeout_s))

    def cancel(self) -> State:
        """Ask the server to stop it; see `AsyncJob.cancel`."""
        return self._thread.run(self._job.cancel())

    def stream(self) -> Iterator[Result]:
        """Yield the answers as the worker gives them; see `AsyncJob.stream`."""
        return self._thread.each(self._job.stream())


class Client:
    """One server, as `AsyncClient`, blocking. Threads may share it. Close it, or use it in a `with`."""

    def __init__(
        self,
        url: str,
        api_key: str | None = None,
        *,
        timeout_s: float = 600.0,
        patience: Patience | None = None,
        pace: Pace | None = None,
        sizes: Sizes | None = None,
        reencode: bool = False,
        bucket: Bucket | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._client = AsyncClient(
            url,
            api_key,
            timeout_s=timeout_s,
            patience=patience,
            pace=pace,
            sizes=sizes,
            reencode=reencode,
            bucket=bucket,
            transport=transport,
        )
        self._thread = _Thread()

    def detect(self, photo: Source, **options: Any) -> Answer:
        """Return what is on one photograph; see `AsyncClient.detect`."""
        return self._thread.run(self._client.detect(photo, **options))

    def submit(
        self,
        photos: Source | list[Source],
        *,
        stream: bool = False,
        webhook: str | None = None,
        policy: Mapping[str, Any] | None = None,
        s3_config: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Job:
        """Hand in a job and return it at once; see `AsyncClient.submit`."""
        handed_in = self._client.submit(
            photos, stream=stream, webhook=webhook, policy=policy, s3_config=s3_config, **options
        )
        return Job(self._thread.run(handed_in), self._thread)

    def job(self, job_id: str) -> Job:
        """Return a job that was handed in earlier, by its id."""
        return Job(self._client.job(job_id), self._thread)

    def map(
        self,
        photos: Iterable[Source],
        *,
        journal: str | Path | None = None,
        in_flight: int = IN_FLIGHT,
        progress: bool = False,
        **options: Any,
    ) -> Survey:
        """Look at many photographs and return one result for each; see `AsyncClient.map`."""
        return self._thread.run(
            self._client.map(photos, journal=journal, in_flight=in_flight, progress=progress, **options)
        )

    def imap(
        self,
        photos: Iterable[Source],
        *,
        journal: str | Path | None = None,
        in_flight: int = IN_FLIGHT,
        told: Told | None = None,
        **options: Any,
    ) -> Iterator[Result]:
        """Yield the result for each photograph in order; see `AsyncClient.imap`. `told` is called in a thread."""
        return self._thread.each(
            self._client.imap(photos, journal=journal, in_flight=in_flight, told=told, **options)
        )

    def health(self) -> Mapping[str, Any]:
        """Return what the server says of itself."""
        return self._thread.run(self._client.health())

    def info(self) -> Mapping[str, Any]:
        """Return what a pod has loaded, and why."""
        return self._thread.run(self._client.info())

    def close(self) -> None:
        """Close the connections and end the thread."""
        self._thread.close(self._client.aclose())

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()


class _Thread:
    """An event loop in a thread, started when it is first needed."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="anomaly-client", daemon=True)
        self._lock = threading.Lock()
        self._iterating: list[AsyncIterator[Any]] = []

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` there and return what it gives; an interrupt here cancels it there."""
        with self._lock:
            if self._loop.is_closed():
                work.close()
                raise RuntimeError("this client is closed; make another")
            if not self._thread.is_alive():
                self._thread.start()
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def each(self, work: AsyncIterator[T]) -> Iterator[T]:
        """Yield what `work` yields there; leaving early ends it there."""
        end = object()
        self._iterating.append(work)
        try:
            while (value := self.run(_next(work, end))) is not end:
                yield value
        finally:
            self._iterating.remove(work)
            if not self._loop.is_closed():
                self.run(_closed(work))

    def close(self, last: Coroutine[Any, Any, None]) -> None:
        """Run `last`, then end the loop and the thread; nothing the second time."""
        if self._loop.is_closed():
            last.close()
            return
        for work in list(self._iterating):  # left in the middle, by an exception perhaps
            self.run(_closed(work))
        self.run(_settled())
        self.run(last)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()


async def _settled() -> None:
    """Wait for what was interrupted: it may have jobs to cancel."""
    await ended(asyncio.all_tasks() - {asyncio.current_task()}, 2 * LEAVE_S)


async def _next(work: AsyncIterator[Any], end: object) -> Any:
    return await anext(work, end)


async def _closed(work: AsyncIterator[Any]) -> None:
    # An interrupt cancels the step under way, which takes its leave first.
    while getattr(work, "ag_running", False):
        await asyncio.sleep(0.005)
    close = getattr(work, "aclose", None)
    if close is not None:
        await close()
