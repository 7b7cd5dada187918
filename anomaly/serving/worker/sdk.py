"""The parts of RunPod's SDK that the loop stands on, and whether they are what it was written for (1.12)."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

PARAMETERS: dict[str, tuple[str, ...]] = {
    "http_client.AsyncClientSession": ("args", "kwargs"),
    "serverless.modules.rp_fitness.run_fitness_checks": (),
    "serverless.modules.rp_http.stream_result": ("session", "job_data", "job"),
    "serverless.modules.rp_job.get_job": ("session", "num_jobs"),
    "serverless.modules.rp_job.get_stop_signals": ("session",),
    "serverless.modules.rp_job.run_job": ("handler", "job"),
    "serverless.modules.rp_scale.JobScaler.__init__": ("self", "config"),
    "serverless.modules.rp_scale.JobScaler.start": ("self",),
    "serverless.modules.worker_state.JobsProgress.add": ("self", "element"),
    "serverless.modules.worker_state.JobsProgress.remove": ("self", "element"),
    "serverless.register_fitness_check": ("func",),
    "serverless.worker.run_worker": ("config",),
}
"""Functions below the package `runpod`, and the names of their parameters."""


@dataclass(frozen=True, slots=True)
class Sdk:
    """`open_session` gives an aiohttp session that knows the key.

    `done_url` and `stream_url` have `$ID` for the job's id; the latter is None where the platform gives none.
    """

    get_job: Callable[[Any, int], Awaitable[list[dict[str, Any]] | None]]
    get_stop_signals: Callable[[Any], Awaitable[list[str]]]
    run_job: Callable[[Any, dict[str, Any]], Awaitable[dict[str, Any]]]
    open_session: Callable[..., Any]
    progress: Any
    done_url: str
    stream_url: str | None = None

    def open_watched(self, on_answer: Callable[[], None]) -> Any:
        """Return a session that calls `on_answer` when the head of an answer has come."""
        import aiohttp  # type: ignore[import-not-found, unused-ignore] # the light install has none

        async def tell(*_: object) -> None:
            on_answer()

        trace = aiohttp.TraceConfig()
        trace.on_request_end.append(tell)
        return self.open_session(trace_configs=[trace])


def load() -> Sdk | str:
    """Return the SDK's parts, or a sentence that says which is not as expected."""
    import runpod.serverless
    from runpod import http_client
    from runpod.serverless import worker
    from runpod.serverless.modules import rp_fitness, rp_http, rp_job, worker_state  # noqa: F401 - found by name

    for name, expected in PARAMETERS.items():
        found = find(runpod, name)
        if found is None:
            return f"runpod {runpod.__version__} has no {name}"
        parameters = tuple(inspect.signature(found).parameters)
        if parameters != expected:
            return f"in runpod {runpod.__version__} {name} takes {parameters}, not {expected}"
    if "JobScaler" not in worker.run_worker.__code__.co_names:
        return f"in runpod {runpod.__version__} run_worker uses no JobScaler"
    if "$ID" not in getattr(rp_http, "JOB_DONE_URL", ""):
        return "RUNPOD_WEBHOOK_POST_OUTPUT has no $ID"
    return Sdk(
        rp_job.get_job,
        rp_job.get_stop_signals,
        rp_job.run_job,
        http_client.AsyncClientSession,
        worker_state.JobsProgress(),
        rp_http.JOB_DONE_URL,
        rp_http.JOB_STREAM_URL if "$ID" in rp_http.JOB_STREAM_URL else None,
    )


def find(package: object, name: str) -> Any:
    """Return what a dotted name below `package` stands for, None where nothing does."""
    for part in name.split("."):
        package = getattr(package, part, None)
    return package
