"""What is done with one job."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Protocol

from anomaly.errors import AnomalyError, AnswerTooLarge, DeviceLost, InternalError
from anomaly.pipeline import Outcome
from anomaly.service import Service
from anomaly.serving.worker import results
from anomaly.serving.worker.channel import Channel
from anomaly.serving.worker.gate import Gate
from anomaly.serving.worker.results import Render, Written
from anomaly.serving.worker.shelf import Shelf
from anomaly.serving.worker.stowing import stow
from anomaly.storage import Target
from anomaly.types import Options
from anomaly.wire import answer
from anomaly.wire import request as wire
from anomaly.wire.job import Probe, parse_job

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

    async def answer(self, job: dict[str, Any], channel: Channel) -> Written:
        """Return the output. Raises whatever the job as a whole fails with."""
        started, since = time.perf_counter(), time.monotonic()
        asked = parse_job(job.get("input"), self._service.limits)
        if isinstance(asked, Probe):
            return Written(answer.to_json(self._service.info()))
        target = self._shelf.place(job)
        folder = str(job.get("id", "job"))
        options = asked.request.options(self._default_threshold)
        photos = asked.request.photos()
        outcomes: list[Outcome] = []
        # One alone needs no task of its own; of several, each waits and is answered for itself.
        work = [self._gate.outcome(photo, options, since) for photo in photos]
        tasks = [asyncio.ensure_future(each) for each in work] if len(work) > 1 else work
        try:
            for number, task in enumerate(tasks):
                if len(tasks) > 1:
                    channel.tell(number, len(tasks))
                outcomes.append(await task)
                if asked.stream:
                    await channel.send(
                        (await self._chunk(outcomes[-1], options, number, target, folder)).json
                    )
        except DeviceLost as error:
            self._ended([error])
            raise
        finally:
            for task in tasks:
                if isinstance(task, asyncio.Task):
                    task.cancel()
        self._ended([each.result if isinstance(each.result, AnomalyError) else None for each in outcomes])
        elapsed_ms = (time.perf_counter() - started) * 1e3
        return await self._written(asked.request, asked.stream, outcomes, options, elapsed_ms, target, folder)

    async def _written(
        self,
        request: wire.DetectRequest | wire.BatchRequest,
        stream: bool,
        outcomes: list[Outcome],
        options: Options,
        elapsed_ms: float,
        target: Target | None,
        folder: str,
    ) -> Written:
        if stream:  # what the platform calls the aggregate: a list of what was streamed
            return await self._fitted(
                lambda form: [_numbered(each, form, number) for number, each in enumerate(outcomes)],
                options,
                target,
                folder,
            )
        if isinstance(request, wire.BatchRequest):
            return await self._fitted(
                lambda form: answer.batch_response(outcomes, form, elapsed_ms), options, target, folder
            )
        [outcome] = outcomes
        findings = outcome.result
        if isinstance(findings, AnomalyError):
            raise findings
        return await self._fitted(
            lambda form: answer.detect_response(findings, form, outcome.elapsed_ms),
            options,
            target,
            folder,
            # Masks take milliseconds to write, names and numbers a tenth of one.
            inline=not options.include_masks,
        )

    async def _fitted(
        self,
        render: Render,
        options: Options,
        target: Target | None,
        folder: str,
        *,
        most_bytes: int | None = None,
        inline: bool = False,
    ) -> Written:
        """Go down the ladder: as asked for, masks as RLE, masks and pictures in the bucket."""
        most = self._most_bytes if most_bytes is None else most_bytes
        written = partial(results.write, render, options, most)
        try:
            return written() if inline else await self._service.off_loop(written)
        except AnswerTooLarge:
            if target is None:
                raise
        bucket = await self._shelf.open(target)
        log.info("job %s: its masks and pictures go to the bucket %s", folder, target.bucket)
        # On a thread of its own: the network may take its time, and decoding is not to wait for it.
        return await asyncio.to_thread(
            results.write_as_is, lambda: stow(render(options), bucket, folder), most
        )

    async def _chunk(
        self, outcome: Outcome, options: Options, number: int, target: Target | None, folder: str
    ) -> Written:
        try:
            return await self._fitted(
                lambda form: _numbered(outcome, form, number),
                options,
                target,
                f"{folder}/stream-{number}",
                most_bytes=min(self._most_bytes, results.MOST_CHUNK_BYTES),
            )
        except AnomalyError as error:  # the result has it all the same
            return Written(answer.to_json({"index": number, **answer.failed_image(error, outcome.frame_id)}))


def _numbered(outcome: Outcome, form: Options, number: int) -> dict[str, object]:
    """Write one photograph's answer with its place in the batch: a chunk that comes twice shows by it."""
    if isinstance(outcome.result, AnomalyError):
        return {"index": number, **answer.failed_image(outcome.result, outcome.frame_id)}
    return {"index": number, **answer.detect_response(outcome.result, form, outcome.elapsed_ms)}
