"""Many photographs through one server: in chunks, so many at once, in order, and on from where it stopped."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing

from anomaly.client import photographs
from anomaly.client.answers import Failed, Result, result_of
from anomaly.client.chunks import Item, chunks, room
from anomaly.client.errors import (
    CallFailed,
    CallRefused,
    ClientError,
    JobFailed,
    JobLost,
    LinkBroken,
    ResultLate,
)
from anomaly.client.job import AsyncJob
from anomaly.client.journal import Journal
from anomaly.client.leaving import ended
from anomaly.client.photographs import Source
from anomaly.client.sending import Options, Sender
from anomaly.errors import AnomalyError

Told = Callable[[int, int], None]
"""Is told how many photographs are done, of how many."""

_SPLIT = frozenset({"answer_too_large", "too_many_images", "request_too_large", "no_output"})
"""What may succeed with fewer photographs in a job."""

_TRIES = 2
"""How often one chunk is handed in before it is halved, or counts as failed."""

_SILENT = 3
"""After so many calls in a row without an answer the server counts as gone."""

_CLOSED_DOORS = frozenset({401, 403, 404, 405})
"""What no other photograph would change."""


class Run:
    """One run over `sources`. `told` hears of each photograph that is done, in whatever order."""

    def __init__(
        self,
        sender: Sender,
        sources: Sequence[Source],
        options: Options,
        *,
        journal: Journal | None,
        in_flight: int,
        told: Told,
    ) -> None:
        self._sender, self._sources, self._options = sender, sources, options
        self._journal, self._in_flight, self._told = journal, in_flight, told
        self._keys: list[str] = []
        self._results: dict[int, Result] = {}
        self._finished: set[int] = set()
        self._open: set[AsyncJob] = set()
        self._handing: set[asyncio.Task[AsyncJob]] = set()
        self._changed = asyncio.Condition()
        self._failure: BaseException | None = None
        self._reading = asyncio.Lock()
        self._silent: int | None = (
            None  # calls without an answer since the last answer; None before the first
        )

    async def results(self) -> AsyncGenerator[Result, None]:
        """Yield one result for each source, in order. Raises what no other photograph would change."""
        await self._look_back()
        unread = self._unread()
        workers = [asyncio.create_task(self._work(unread)) for _ in range(self._in_flight)]
        try:
            for number in range(len(self._sources)):
                async with self._changed:
                    await self._changed.wait_for(
                        lambda number=number: number in self._finished or self._failure is not None  # type: ignore[misc]
                    )
                if number not in self._finished and self._failure is not None:
                    raise self._failure
                yield self._result(number)
        finally:
            for each in workers:
                each.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
            await unread.aclose()
            await self._give_up()

    # What is done already

    async def _look_back(self) -> None:
        if self._journal is None:
            return
        self._keys = await asyncio.to_thread(lambda: list(map(photographs.key_of, self._sources)))
        for number, key in enumerate(self._keys):
            if key in self._journal:
                self._finished.add(number)
        if self._finished:
            self._told(len(self._finished), len(self._sources))

    async def _resume_jobs(self) -> None:
        """Ask after the jobs of an earlier run: their results are kept for a while, and are paid for."""
        if self._journal is None:
            return
        numbers = {key: number for number, key in enumerate(self._keys)}

        async def resume(job_id: str, keys: Sequence[str]) -> None:
            job = AsyncJob(self._sender.door, job_id, self._sender.pace)
            try:
                values = await job.slots(self._sender.timeout_s)
            except (JobFailed, CallRefused, LinkBroken, ResultLate):
                return  # its photographs are sent again
            for key, value in zip(keys, values, strict=False):
                if key in numbers and numbers[key] not in self._finished:
                    await self._done(numbers[key], result_of(value))

        await asyncio.gather(*(resume(job, keys) for job, keys in self._journal.open_jobs().items()))

    # Sending

    async def _work(self, unread: AsyncIterator[list[Item]]) -> None:
        try:
            while True:
                async with self._reading:
                    chunk = await anext(unread, None)
                if chunk is None:
                    return
                await self._bring(chunk)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            async with self._changed:
                self._failure = self._failure or error
                self._changed.notify_all()

    async def _unread(self) -> AsyncGenerator[list[Item], None]:
        await self._resume_jobs()
        missing = (
            (number, each) for number, each in enumerate(self._sources) if number not in self._finished
        )
        async with aclosing(chunks(self._sender, missing, self._options, self._unreadable)) as together:
            async for chunk in together:
                yield chunk

    async def _unreadable(self, number: int, error: ClientError) -> None:
        await self._done(number, _failed(error))

    async def _bring(self, chunk: list[Item]) -> None:
        try:
            results = await self._results_of(chunk)
            self._silent = 0
        except ResultLate:
            raise
        except CallFailed as error:
            if self._silent is None or self._silent + 1 >= _SILENT:
                raise
            self._silent += 1
            results = [_failed(error)] * len(chunk)
        except (CallRefused, JobFailed) as error:
            self._silent = 0
            # A closed door, and a mistake in the options, which every other chunk has too.
            if _of_the_door(error) or (error.code == "invalid_request" and len(chunk) > 1):
                raise
            fewer = error.code in _SPLIT or _failed(error).passing or isinstance(error, CallRefused)
            if len(chunk) > 1 and fewer:
                half = len(chunk) // 2
                await self._bring(chunk[:half])
                await self._bring(chunk[half:])
                return
            results = [_failed(error)] * len(chunk)
        except AnomalyError as error:  # the photograph is too large, or could not be uploaded
            results = [_failed(error)] * len(chunk)
        for item, result in zip(chunk, results, strict=True):
            await self._done(item.number, result)

    async def _results_of(self, chunk: list[Item]) -> list[Result]:
        if not self._sender.endpoint:
            return [await self._sender.one(chunk[0].parcel, self._options, "")]
        for left in reversed(range(_TRIES)):
            try:
                if chunk[0].parcel.base64_bytes > room(self._sender, self._options):
                    return [await self._sender.one(chunk[0].parcel, self._options, "")]
                return await self._job(chunk)
            except (JobFailed, CallRefused) as error:
                if not _failed(error).passing or _of_the_door(error) or not left:
                    raise
        raise AssertionError("the last try returns or raises")

    async def _job(self, chunk: list[Item]) -> list[Result]:
        # To its end, even if nobody waits any more: a job of which only the server knows is paid for in vain.
        handing = asyncio.create_task(self._hand_in(chunk))
        self._handing.add(handing)
        handing.add_done_callback(self._handing.discard)
        job = await asyncio.shield(handing)
        try:
            values = await job.slots(self._sender.timeout_s)
        except (JobFailed, CallRefused):
            self._open.discard(job)
            raise
        self._open.discard(job)
        if len(values) != len(chunk):
            raise JobLost(f"job {job.id} answered {len(values)} of {len(chunk)} photos", job_id=job.id)
        return [result_of(each) for each in values]

    async def _hand_in(self, chunk: list[Item]) -> AsyncJob:
        job = await self._sender.submit([each.parcel for each in chunk], self._options)
        if self._journal is not None:
            self._journal.handed_in(job.id, [self._keys[each.number] for each in chunk])
        self._open.add(job)
        return job

    async def _give_up(self) -> None:
        """Cancel what nobody waits for any more. With a journal it goes on: the next run asks after it."""
        await ended(self._handing)
        if self._journal is None:
            await ended([asyncio.create_task(each.cancel()) for each in self._open])

    # Results

    async def _done(self, number: int, result: Result) -> None:
        # What the platform is to blame for is left for the next run.
        lasting = not (isinstance(result, Failed) and result.passing)
        if self._journal is not None and lasting:
            self._journal.done(self._keys[number], result.json)
        else:
            self._results[number] = result
        self._finished.add(number)
        self._told(len(self._finished), len(self._sources))
        async with self._changed:
            self._changed.notify_all()

    def _result(self, number: int) -> Result:
        photo = photographs.name_of(self._sources[number], number + 1)
        if number in self._results or self._journal is None:
            return result_of(self._results.pop(number).json, photo)
        return result_of(self._journal[self._keys[number]], photo)


def _failed(error: AnomalyError) -> Failed:
    return Failed(error.code, str(error))


def _of_the_door(error: ClientError) -> bool:
    return isinstance(error, CallRefused) and error.status in _CLOSED_DOORS
