"""Start of the worker: models first, then the SDK with our loop in it."""

import logging
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import orjson

from anomaly.errors import ConfigurationError
from anomaly.outbound import anywhere, is_public
from anomaly.service import Service
from anomaly.serving.allocator import keep_blocks, leave_what_stays
from anomaly.serving.handling.handler import Handler, handler
from anomaly.serving.handling.results import Written
from anomaly.serving.storing.shelf import Shelf
from anomaly.serving.worker import fitness, heartbeat, sdk
from anomaly.serving.worker.loop import Loop
from anomaly.serving.worker.recycling import Recycling
from anomaly.storage import Target

log = logging.getLogger(__name__)

BATCHES = 2
"""Jobs taken at once, in batches: while the models see one, the photographs of the next are read."""


def serve(
    service: Service,
    default_threshold: float,
    *,
    concurrency: int | None = None,
    jobs_max: int | None = None,
    storage: Target | None = None,
    private_urls: bool = False,
    published: Mapping[str, str] | None = None,
) -> None:
    """Warm the models, then take jobs until told to stop. Raises what kept the models from loading.

    `concurrency` jobs are in work at once, enough to fill the model's batches if left out; after `jobs_max`
    the worker asks to be replaced. What is too large to answer goes to `storage`, or to a job's own bucket,
    which may be at a private address where `private_urls` says so. Weights files are held against the sha256
    that `published` gives for their names. The models come first: a job that is taken before they are warm
    waits on paid time, and may expire.
    """
    # A container's first process ignores a signal that it has no handler for. Nothing is lost here yet.
    signal.signal(signal.SIGTERM, lambda number, frame: os._exit(0))
    keep_blocks()
    service.start()
    try:
        import runpod  # while the models load
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"serverless mode needs {error.name}, which the light install leaves out; `make run FULL=1`"
            " installs everything"
        ) from None

    # At its own default, DEBUG, the SDK writes every result into the log.
    runpod.RunPodLogger().set_level("INFO")
    service.wait()
    leave_what_stays()
    heartbeat.bind_children()
    recycling = Recycling(jobs_max, partial(free_mb, service))
    shelf = Shelf(storage, anywhere if private_urls else is_public)
    handle = handler(service, default_threshold, ended=recycling.ended, shelf=shelf)
    for check in fitness.checks(service, published):
        runpod.serverless.register_fitness_check(check)
    start(handle, concurrency or _fitting(service), recycling)
    service.close()


def start(handle: Handler, concurrency: int, recycling: Recycling) -> None:
    """Run the SDK with our loop in place of its own, or with its own where the SDK is not as expected."""
    import runpod
    from runpod.serverless.modules import rp_scale

    parts = sdk.load()
    if isinstance(parts, sdk.Sdk):
        log.info("up to %d jobs at once", concurrency)
        # The SDK's start does the rest: heartbeat, fitness checks, a test input from the command line.
        rp_scale.JobScaler = lambda config: Loop(parts, handle, concurrency, recycling)
        runpod.serverless.start({"handler": plain(handle)})
    else:
        log.warning("%s: the SDK's own loop runs instead, with about one job a second for each slot", parts)
        runpod.serverless.start({"handler": plain(handle), "concurrency_modifier": lambda now: concurrency})


def plain(handle: Handler) -> Callable[[dict[str, Any]], Awaitable[object]]:
    """Return a handler as the SDK alone wants it: what it returns is yet to be written as JSON."""

    async def plainly(job: dict[str, Any]) -> object:
        answer = await handle(job)
        return orjson.loads(answer.json) if isinstance(answer, Written) else answer

    return plainly


def free_mb(service: Service) -> int | None:
    """Return the free memory of the card that the models run on, MB of 2**20 bytes; None without a card."""
    health = service.health()
    memory = health.get("memory")
    on_card = str(health.get("device", "cpu")).startswith("cuda")
    return int(memory["free_mb"]) if on_card and isinstance(memory, Mapping) else None


def _fitting(service: Service) -> int:
    """Return how many jobs keep the model's batches full, within what may wait for it."""
    queue = service.info()["queue"]
    if not isinstance(queue, dict):
        return BATCHES
    return max(1, min(BATCHES * int(queue["max_batch"]), int(queue["limit"])))
