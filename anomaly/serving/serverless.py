"""Serverless mode: the service as a RunPod worker."""

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from anomaly.errors import AnomalyError, InternalError
from anomaly.service import Service
from anomaly.wire import answer
from anomaly.wire import request as wire

log = logging.getLogger(__name__)

Handler = Callable[[dict[str, Any]], Awaitable[object]]


def serve(service: Service, default_threshold: float) -> None:
    """Warm the models, then take jobs until RunPod stops the worker. Raises what kept them from loading.

    The models come first: a job that is taken before they are warm waits on paid time, and may expire.
    """
    service.start()
    service.wait()
    import runpod

    # At its own default, DEBUG, the SDK writes every result into the log.
    runpod.RunPodLogger().set_level("INFO")
    runpod.serverless.start({"handler": handler(service, default_threshold)})


def handler(service: Service, default_threshold: float) -> Handler:
    """Return the function that answers one job: `{"input": {...}}` in, the same JSON as in pod mode out.

    RunPod marks a job as failed by the key `error`, which must be a string: it is the error object of
    pod mode, as JSON text.
    """

    async def handle(job: dict[str, Any]) -> object:
        try:
            return await _answer(service, default_threshold, job.get("input"))
        except AnomalyError as error:
            return {"error": answer.to_json(answer.error_response(error)).decode()}
        except Exception:
            log.exception("job %s failed", job.get("id"))
            failure = InternalError("the server failed on this request; its log says how")
            return {"error": answer.to_json(answer.error_response(failure)).decode()}

    return handle


async def _answer(service: Service, default_threshold: float, value: object) -> object:
    started = time.perf_counter()
    asked = wire.parse_input(value, service.limits)
    options = asked.options(default_threshold)
    outcomes = await service.detect(asked.photos(), options)
    if isinstance(asked, wire.BatchRequest):
        return answer.batch_response(outcomes, options, (time.perf_counter() - started) * 1e3)
    [outcome] = outcomes
    if isinstance(outcome.result, AnomalyError):
        raise outcome.result
    return answer.detect_response(outcome.result, options, outcome.elapsed_ms)
