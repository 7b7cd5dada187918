"""Jobs over HTTP in the shapes of RunPod's queue: /run, /runsync, /status, /stream, /cancel, /retry."""

import time
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

from anomaly.errors import DeviceLost, InvalidRequest, NotFound, NotReady
from anomaly.jobs import Ended, Handle, Job, Jobs, Postponed, State, Voice, parse
from anomaly.service import Service
from anomaly.serving.handling.channel import Channel
from anomaly.serving.handling.handler import Handler
from anomaly.serving.handling.results import Written
from anomaly.serving.pod import body, document, later
from anomaly.wire import answer
from anomaly.wire import request as wire

WAIT_MS = 90_000
"""For so long `/runsync` waits unless its `wait` says otherwise; RunPod's own figure and range."""

WAIT_MS_RANGE = (1_000, 300_000)

_OF_THE_SERVER = (NotReady.code, DeviceLost.code)
"""It stops, or has lost its card: the next start does the job."""

LOOK_S = 1.0
"""So often a call that waits for a job looks whether the server stops before the job has begun."""


def handle(handler: Handler) -> Handle:
    """Return how a job is done here: as a serverless worker does it."""

    async def ended(job: dict[str, Any], voice: Voice) -> Ended:
        async def told(news: bytes) -> bool:
            return await voice.progress(orjson.dumps(orjson.loads(news)["output"]))

        channel = Channel(voice.chunk, told)
        try:
            output = await handler(job, channel=channel)
        finally:
            await channel.close()
        if isinstance(output, Written):
            return Ended(output=output.json)
        error = str(output["error"])
        code = orjson.loads(error)["error"]["code"]
        if code in _OF_THE_SERVER:  # a photograph that takes the card down does so thrice at most
            raise Postponed(error, counts=code == DeviceLost.code)
        return Ended(error=error)

    return ended


def routes(jobs: Jobs, service: Service) -> APIRouter:
    """Return the routes of the queue."""
    router = APIRouter(tags=["jobs"], responses=document.OF_JOBS)
    limit = service.limits.max_request_bytes

    async def submitted(request: Request) -> Job:
        return await jobs.submit(
            parse(wire.from_json(await body.read(request, limit))), later.key_of(request)
        )

    async def waited(job: Job, wait_s: float) -> Job:
        ends = time.monotonic() + wait_s
        while (left_s := ends - time.monotonic()) > 0 and not job.state.final:
            if service.draining and job.state is State.IN_QUEUE:  # its turn comes at the next start
                break
            if (now := await jobs.wait(job.id, min(left_s, LOOK_S))) is None:  # no longer kept
                break
            job = now
        return job

    @router.post("/run", openapi_extra=document.SUBMISSION)
    async def run(request: Request) -> Response:
        """Queue a job and answer its id; a call that is repeated under its key answers the same job."""
        return _json((await submitted(request)).brief())

    @router.post("/runsync", openapi_extra=document.SUBMISSION)
    async def runsync(request: Request) -> Response:
        """Queue a job and answer its result, or how it stands after `wait` milliseconds."""
        wait_ms = _wait_ms(request.query_params.get("wait"))
        job = await submitted(request)
        return _json((await waited(job, wait_ms / 1e3)).view())

    @router.get("/status/{identity}")
    async def status(identity: str) -> Response:
        """Answer how a job stands, and its output once it has ended."""
        return _json(_found(await jobs.get(identity), identity).view())

    @router.get("/stream/{identity}")
    async def stream(identity: str) -> Response:
        """Answer what was streamed since the last call."""
        job = _found(await jobs.get(identity), identity)
        chunks = await jobs.drain(identity)
        return _json({"status": str(job.state), "stream": list(map(orjson.Fragment, chunks))})

    @router.post("/cancel/{identity}")
    async def cancel(identity: str) -> Response:
        """End a job; one that has ended stays as it is, and the answer says how."""
        return _json(_found(await jobs.cancel(identity), identity).brief())

    @router.post("/retry/{identity}")
    async def retry(identity: str) -> Response:
        """Queue a failed or timed-out job again."""
        job = _found(await jobs.get(identity), identity)
        again = await jobs.retry(identity)
        if again is None:
            raise InvalidRequest(
                "what was handed in with the job is kept no longer (RETRY_KEEP_S); hand it in again by /run"
                if job.state in (State.FAILED, State.TIMED_OUT)
                else f"the job is {job.state}; only FAILED and TIMED_OUT jobs are run again"
            )
        return _json(again.brief())

    @router.post("/purge-queue")
    async def purge() -> Response:
        """Cancel what waits in the queue."""
        return _json({"removed": await jobs.purge(), "status": "completed"})

    return router


def _found(job: Job | None, identity: str) -> Job:
    if job is None:
        raise NotFound(f"there is no job {identity[:80]!r}, or it is no longer kept; /run gives a new one")
    return job


def _wait_ms(text: str | None) -> int:
    least, most = WAIT_MS_RANGE
    if text is None:
        return WAIT_MS
    if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
        raise InvalidRequest(f"wait is {least} to {most} ms; got {text[:20]!r}")
    return int(text)


def _json(value: object) -> Response:
    return Response(answer.to_json(value), media_type="application/json")
