"""What is done with one job."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol

import structlog

from anomaly.errors import AnomalyError, DeviceLost, InternalError
from anomaly.pipeline import Outcome
from anomaly.service import Service
from anomaly.serving.handling import results
from anomaly.serving.handling.channel import Channel
from anomaly.serving.handling.gate import Gate
from anomaly.serving.handling.ladder import Ladder
from anomaly.serving.handling.results import Written
from anomaly.serving.storing.filing import Filing
from anomaly.serving.storing.shelf import Shelf
from anomaly.types import Options
from anomaly.wire import answer
from anomaly.wire import request as wire
from anomaly.wire.job import Probe, Work, parse_job

log = logging.getLogger(__name__)

Ended = Callable[[Sequence[AnomalyError | None]], None]


class Handler(Protocol):
    """Answers one job; through `channel` it says what there is to say before."""

    def __call__(
        self, job: dict[str, Any], *, channel: Channel | None = None
    ) -> Awaitable[Written | dict[str, object]]:
        """Return the job's output, or `{"error": text}`."""


def handler(
    service: Service,
    default_threshold: float,
    *,
    most_bytes: int = results.MOST_BYTES,
    ended: Ended = lambda errors: None,
    shelf: Shelf | None = None,
) -> Handler:
    """Return the function that answers one job: `{"input": {...}}` in, the JSON of pod mode out.

    RunPod marks a job as failed by the key `error`, which must be a string: it is the error object of
    pod mode, as JSON text. `ended` is told how each photograph of a job ended. Masks and pictures of an answer
    over `most_bytes` go to `shelf`, by default to no other bucket than a job's own.
    """
    desk = _Desk(service, default_threshold, most_bytes, ended, shelf or Shelf())

    async def handle(job: dict[str, Any], *, channel: Channel | None = None) -> Written | dict[str, object]:
        with structlog.contextvars.bound_contextvars(job_id=job.get("id")):
            try:
                return await desk.answer(job, channel or Channel())
            except AnomalyError as error:
                return results.error(error)
            except Exception:
                log.exception("job %s failed", job.get("id"))
                return results.error(InternalError("the server failed on this request; its log says how"))

    return handle


class _Desk:
    def __init__(
        self, service: Service, default_threshold: float, most_bytes: int, ended: Ended, shelf: Shelf
    ) -> None:
        self._service = service
        self._default_threshold = default_threshold
        self._most_bytes = most_bytes
        self._ended = ended
        self._shelf = shelf
        self._gate = Gate(service)
        self._filing = Filing(shelf)

    async def answer(self, job: dict[str, Any], channel: Channel) -> Written:
        """Return the output. Raises whatever the job as a whole fails with."""
        started = time.perf_counter()
        asked = parse_job(job.get("input"), self._service.limits)
        if isinstance(asked, Probe):
            return Written(answer.to_json(self._service.info()))
        options = asked.request.options(self._default_threshold)
        ladder = Ladder(
            self._service,
            self._shelf,
            self._shelf.place(job),
            str(job.get("id", "job")),
            options,
            self._most_bytes,
        )
        filed = self._filing.target(asked.request, job) if asked.request.stores else None
        outcomes = await self._looked(asked, options, channel, ladder)
        if filed is not None:
            elapsed_ms = (time.perf_counter() - started) * 1e3
            rendered = await self._service.off_loop(_rendered, asked, outcomes, options, elapsed_ms)
            return Written(answer.to_json(await self._filing.file(rendered, filed, asked.request.s3_prefix)))
        if asked.stream:  # what the platform calls the aggregate: the list of what was streamed
            return await ladder.fit(
                lambda form: [_numbered(each, form, number) for number, each in enumerate(outcomes)]
            )
        if isinstance(asked.request, wire.BatchRequest):
            elapsed_ms = (time.perf_counter() - started) * 1e3
            return await ladder.fit(lambda form: answer.batch_response(outcomes, form, elapsed_ms))
        [outcome] = outcomes
        findings = outcome.result
        if isinstance(findings, AnomalyError):
            raise findings
        # Masks and pictures take milliseconds to write, names and numbers a tenth of one.
        heavy = options.include_masks or options.debug or options.csv or options.coco
        return await ladder.fit(
            lambda form: answer.detect_response(findings, form, outcome.elapsed_ms), light=not heavy
        )

    async def _looked(self, asked: Work, options: Options, channel: Channel, ladder: Ladder) -> list[Outcome]:
        """Look at all photographs at once, and say of each in turn how it ended."""
        since = time.monotonic()
        work = [self._gate.outcome(photo, options, since) for photo in asked.request.photos()]
        # One alone needs no task of its own.
        tasks = [asyncio.ensure_future(each) for each in work] if len(work) > 1 else []
        outcomes: list[Outcome] = []
        try:
            for number, each in enumerate(tasks or work):
                if tasks:
                    channel.tell(number, len(tasks))
                outcomes.append(await each)
                if asked.stream:
                    await channel.send((await _chunk(outcomes[-1], number, ladder)).json)
        except DeviceLost as error:
            self._ended([error])
            raise
        finally:
            for task in tasks:
                task.cancel()
        self._ended([each.result if isinstance(each.result, AnomalyError) else None for each in outcomes])
        return outcomes


def _rendered(asked: Work, outcomes: list[Outcome], options: Options, elapsed_ms: float) -> Any:
    if isinstance(asked.request, wire.BatchRequest):
        return answer.batch_response(outcomes, options, elapsed_ms)
    [outcome] = outcomes
    if isinstance(outcome.result, AnomalyError):
        raise outcome.result
    return answer.detect_response(outcome.result, options, outcome.elapsed_ms)


async def _chunk(outcome: Outcome, number: int, ladder: Ladder) -> Written:
    """Write what is streamed of one photograph; where that cannot be brought, its error, for the result has it."""
    smaller = replace(
        ladder,
        folder=f"{ladder.folder}/stream/{number}",
        most_bytes=min(ladder.most_bytes, results.MOST_CHUNK_BYTES),
    )
    try:
        return await smaller.fit(lambda form: _numbered(outcome, form, number))
    except AnomalyError as error:
        return Written(answer.to_json({"index": number, **answer.failed_image(error, outcome.frame_id)}))


def _numbered(outcome: Outcome, form: Options, number: int) -> dict[str, object]:
    """Write one photograph's answer with its place in the batch: a chunk that comes twice shows by it."""
    if isinstance(outcome.result, AnomalyError):
        return {"index": number, **answer.failed_image(outcome.result, outcome.frame_id)}
    return {"index": number, **answer.detect_response(outcome.result, form, outcome.elapsed_ms)}
