"""A job on an endpoint, or on a pod: looked after until it ends."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from anomaly.client.answers import Result, result_of
from anomaly.client.door import Door
from anomaly.client.errors import CallRefused, JobCancelled, JobFailed, JobLost, JobTimedOut, ResultLate
from anomaly.client.links import filled
from anomaly.client.problem import problem_of
from anomaly.types import JobState as State

Output: TypeAlias = Mapping[str, Any] | list[Mapping[str, Any]]
"""What a job answers: an object, or a list of what was streamed."""

_BELIEVED = 3
"""An endpoint may not know a job at once that it has just taken: a refusal is believed when it has come so often."""

_SHUT = (401, 403)
"""But for these, which are about the key."""


@dataclass(frozen=True, slots=True)
class Status:
    """A job at one moment. `delay_ms` is how long it waited for a worker, `execution_ms` how long it ran.

    `output` and `error` are as the server gives them; before the end `output` is the last progress told.
    """

    id: str
    state: State
    delay_ms: int | None = None
    execution_ms: int | None = None
    output: Any = None
    error: Any = None

    @property
    def progress(self) -> tuple[int, int] | None:
        """How many photographs of the job are done, of how many, where the worker has told."""
        match self.output:
            case {"progress": {"done": int(done), "of": int(of)}}:
                return done, of
        return None


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a job is asked after: from `first_s`, growing by half each time to `most_s`, with jitter."""

    first_s: float = 0.2
    most_s: float = 5.0

    def waits(self) -> Iterator[float]:
        """Yield the waits, seconds, without end."""
        wait_s = self.first_s
        while True:
            yield wait_s * random.uniform(0.75, 1.25)  # noqa: S311 - spreads calls, hides nothing
            wait_s = min(wait_s * 1.5, self.most_s)


class AsyncJob:
    """One job. `id` is the server's: keep it, and `AsyncClient.job(id)` finds the job again."""

    def __init__(self, door: Door, job_id: str, pace: Pace, photo: str = "") -> None:
        self.id = job_id
        self._door, self._pace, self._photo = door, pace, photo

    async def status(self) -> Status:
        """Ask how it stands. Raises `JobLost` where the server does not know it."""
        try:
            return status_of(await self._door.call("GET", f"/status/{self.id}"))
        except CallRefused as error:
            raise self._lost(error) from None

    async def result(self, timeout_s: float | None = None) -> Result:
        """Wait for the end and return the answer; that of a job with several photos is to be had by `results`.

        Raises `JobFailed` with the server's code, or its kinds `JobCancelled`, `JobTimedOut` and `JobLost`; and
        after `timeout_s` seconds `ResultLate`, upon which the job goes on.
        """
        found = await self.results(timeout_s)
        if len(found) != 1:
            raise ValueError(f"job {self.id} has {len(found)} photos; `results` returns an answer for each")
        return found[0]

    async def results(self, timeout_s: float | None = None) -> list[Result]:
        """Wait for the end and return the answers, in order, of all photos of the job; raises as `result`."""
        return [result_of(each, self._photo) for each in await self.slots(timeout_s)]

    async def slots(self, timeout_s: float | None = None) -> list[Mapping[str, Any]]:
        """Wait for the end and return the answers as JSON, in order, with the masks that lie in a bucket.

        Raises as `result`.
        """
        return [await filled(self._door, each) for each in slots(await self.output(timeout_s), self.id)]

    async def output(self, timeout_s: float | None = None) -> Output:
        """Wait for the end and return the output as it is; raises as `result`."""
        try:
            async with asyncio.timeout(timeout_s):
                return output_of(await self._ended())
        except TimeoutError:
            raise ResultLate(
                f"job {self.id} has not ended within {timeout_s:g} s; it goes on: ask again, or cancel it"
            ) from None

    async def cancel(self) -> State:
        """Ask the server to stop it; return how it stands then. One that has ended stays as it is."""
        try:
            return State((await self._door.call("POST", f"/cancel/{self.id}"))["status"])
        except CallRefused as error:
            raise self._lost(error) from None

    async def stream(self) -> AsyncIterator[Result]:
        """Yield the answers as the worker gives them, each photo's once, as soon as it is there.

        A job that was handed in without `stream=True` gives them at the end, in order; so do the photos whose
        piece of the stream was lost on the way. Raises as `result` where the job fails.
        """
        heard: set[int] = set()
        for wait_s in self._pace.waits():
            try:
                now = await self._door.call("GET", f"/stream/{self.id}")
            except CallRefused as error:
                raise self._lost(error) from None
            for piece in now.get("stream") or []:
                value = piece["output"]
                number = value.get("index", len(heard))
                if number not in heard:
                    heard.add(number)
                    yield result_of(await filled(self._door, value), self._photo)
            if State(now["status"]).final and not now.get("stream"):
                break
            if not now.get("stream"):
                await asyncio.sleep(wait_s)
        output = output_of(await self.status())
        for number, value in enumerate(slots(output, self.id)):
            if number not in heard:
                yield result_of(await filled(self._door, value), self._photo)

    async def _ended(self) -> Status:
        refused = 0
        for wait_s in self._pace.waits():
            try:
                now = await self.status()
            except (JobLost, CallRefused) as error:
                refused += 1
                if refused >= _BELIEVED or (isinstance(error, CallRefused) and error.status in _SHUT):
                    raise
            else:
                refused = 0
                if now.state.final:
                    return now
            await asyncio.sleep(wait_s)
        raise AssertionError("the waits do not end")

    def _lost(self, error: CallRefused) -> CallRefused | JobLost:
        if error.status != 404:
            return error
        return JobLost(
            f"the server does not know job {self.id}, or keeps its result no longer; send the photo again",
            job_id=self.id,
        )


def status_of(value: Any) -> Status:
    """Read what /status, /run and /runsync answer. Raises `CallRefused` for what does not speak of a job."""
    if not isinstance(value, Mapping) or "id" not in value or value.get("status") not in State.__members__:
        raise CallRefused(
            "the server answered something that does not say how a job is; is this the address of an endpoint,"
            " https://api.runpod.ai/v2/ID, or of a pod?",
            status=200,
        )
    return Status(
        str(value["id"]),
        State(value["status"]),
        value.get("delayTime"),
        value.get("executionTime"),
        value.get("output"),
        value.get("error"),
    )


def output_of(status: Status) -> Output:
    """Return the output of a job that has ended; raises the `JobFailed` that says how it failed."""
    match status.state:
        case State.CANCELLED:
            raise JobCancelled(f"job {status.id} was cancelled", job_id=status.id)
        case State.TIMED_OUT:
            raise JobTimedOut(
                f"job {status.id} was given up by the platform before it was done; give it a longer policy",
                job_id=status.id,
            )
    output = status.output
    if status.state is State.FAILED or (isinstance(output, Mapping) and set(output) == {"error"}):
        code, message = problem_of(status.error or output)
        raise JobFailed(message, job_id=status.id, code=code)
    if not isinstance(output, Mapping | list):
        raise JobFailed(
            f"job {status.id} ended without an output; perhaps it was too large for the platform",
            job_id=status.id,
            code="no_output",
        )
    return output


def slots(output: Output, job_id: str) -> list[Mapping[str, Any]]:
    """Return the answers of all photos of a job, in order: of one, of a batch, or of a stream."""
    if isinstance(output, list):
        numbered = {each.get("index", number): each for number, each in enumerate(output)}
        return [numbered[number] for number in sorted(numbered)]
    several = output.get("results")
    if isinstance(several, list):
        return several
    if "anomalies" not in output and "error" not in output:
        raise JobFailed(
            f"job {job_id} answered with {', '.join(sorted(output))}; `output()` returns it as it is",
            job_id=job_id,
            code="no_photo",
        )
    return [output]
