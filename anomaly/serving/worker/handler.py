"""What is done with one job."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from anomaly.deadline import Deadline
from anomaly.errors import AnomalyError, InternalError, QueueFull
from anomaly.pipeline import Outcome
from anomaly.service import Service
from anomaly.serving.worker import results
from anomaly.serving.worker.results import Written
from anomaly.types import Options
from anomaly.wire import answer
from anomaly.wire import request as wire

log = logging.getLogger(__name__)

Handler = Callable[[dict[str, Any]], Awaitable[Written | dict[str, object]]]

Ended = Callable[[Sequence[AnomalyError | None]], None]

FULL_WAIT_S = 0.1
"""A job that was taken is not given back: it waits for room in the queue, and looks this often."""


def handler(
    service: Service,
    default_threshold: float,
    *,
    most_bytes: int = results.MOST_BYTES,
    ended: Ended = lambda errors: None,
) -> Handler:
    """Return the function that answers one job: `{"input": {...}}` in, the JSON of pod mode out.

    RunPod marks a job as failed by the key `error`, which must be a string: it is the error object of
    pod mode, as JSON text. `ended` is told how each photograph of a job ended.
    """

    async def handle(job: dict[str, Any]) -> Written | dict[str, object]:
        try:
            return await _answer(service, default_threshold, job.get("input"), most_bytes, ended)
        except AnomalyError as error:
            return results.error(error)
        except Exception:
            log.exception("job %s failed", job.get("id"))
            return results.error(InternalError("the server failed on this request; its log says how"))

    return handle


async def _answer(
    service: Service, default_threshold: float, value: object, most_bytes: int, ended: Ended
) -> Written:
    started, since = time.perf_counter(), time.monotonic()
    asked = wire.parse_input(value, service.limits)
    options = asked.options(default_threshold)
    outcomes = await _admitted(service, asked, options, since)
    ended([each.result if isinstance(each.result, AnomalyError) else None for each in outcomes])
    if isinstance(asked, wire.BatchRequest):
        elapsed_ms = (time.perf_counter() - started) * 1e3
        return await service.off_loop(
            results.write, lambda form: answer.batch_response(outcomes, form, elapsed_ms), options, most_bytes
        )
    [outcome] = outcomes
    if isinstance(outcome.result, AnomalyError):
        raise outcome.result
    findings = outcome.result
    written = partial(
        results.write,
        lambda form: answer.detect_response(findings, form, outcome.elapsed_ms),
        options,
        most_bytes,
    )
    # Masks take milliseconds to write, names and numbers a tenth of one.
    return await service.off_loop(written) if options.include_masks else written()


async def _admitted(
    service: Service, asked: wire.DetectRequest | wire.BatchRequest, options: Options, since: float
) -> list[Outcome]:
    limit = Deadline.of(options.timeout_ms, since)
    while True:
        try:
            return await service.detect(asked.photos(), options, since=since)
        except QueueFull:
            async with limit.kept():
                await asyncio.sleep(FULL_WAIT_S)
