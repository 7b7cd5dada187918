"""What a client calls: /run, /runsync, /status, /stream, /cancel, /retry, /purge-queue, /health."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from anomaly.simulator.endpoint import Endpoint
from anomaly.simulator.exchange import answer, body_within, while_connected
from anomaly.simulator.job import Job
from anomaly.simulator.submission import milliseconds, parse
from anomaly.types import JobState as State


class ClientFace:
    """The routes below /v2/ENDPOINT/ that clients use."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def routes(self) -> list[Route]:
        """Return the routes."""
        either = ["GET", "POST"]  # the platform's documentation has shown both
        return [
            Route("/run", self.run, methods=["POST"]),
            Route("/runsync", self.runsync, methods=["POST"]),
            Route("/status/{job_id}", self.status, methods=either),
            Route("/stream/{job_id}", self.stream, methods=either),
            Route("/cancel/{job_id}", self.cancel, methods=["POST"]),
            Route("/retry/{job_id}", self.retry, methods=["POST"]),
            Route("/purge-queue", self.purge, methods=["POST"]),
            Route("/health", self.health),
        ]

    async def run(self, request: Request) -> Response:
        """Queue a job and answer its id."""
        limits = self._endpoint.limits
        body = await body_within(request, limits.run_bytes)
        return _brief(self._endpoint.queue.submit(parse(body, limits, sync=False)))

    async def runsync(self, request: Request) -> Response:
        """Queue a job and answer its result, or how it stands after `wait` milliseconds."""
        limits, queue = self._endpoint.limits, self._endpoint.queue
        wait = request.query_params.get("wait", str(limits.wait_ms))
        wait_ms = milliseconds("wait", wait, limits.min_wait_ms, limits.max_wait_ms)
        body = await body_within(request, limits.runsync_bytes)
        job = queue.submit(parse(body, limits, sync=True))

        def finished() -> Job | None:
            now = queue.get(job.id)
            return now if now and now.state.final else None

        done = await while_connected(request, self._endpoint.bell.wait_for(finished, wait_ms / 1000))
        return answer((done or queue.get(job.id) or job).for_client())

    async def status(self, request: Request) -> Response:
        """Answer how a job stands; `ttl`, milliseconds, lets it expire so much later from now."""
        job = self._job(request)
        if ttl := request.query_params.get("ttl"):
            self._endpoint.queue.keep_for(
                job.id, milliseconds("ttl", ttl, 1, self._endpoint.limits.max_ttl_ms) / 1000
            )
        return answer(job.for_client())

    async def stream(self, request: Request) -> Response:
        """Answer what has been streamed since the last call."""
        job = self._job(request)
        return answer({"status": str(job.state), "stream": self._endpoint.queue.drain(job.id)})

    async def cancel(self, request: Request) -> Response:
        """End a job; one that has ended stays as it is, and the answer says how."""
        return _brief(self._endpoint.queue.cancel(self._job(request).id))

    async def retry(self, request: Request) -> Response:
        """Queue a failed or timed-out job again; 400 in any other state."""
        return _brief(self._endpoint.queue.retry(self._job(request).id))

    async def purge(self, request: Request) -> Response:
        """Cancel what waits in the queue."""
        return answer({"removed": self._endpoint.queue.purge(), "status": "completed"})

    async def health(self, request: Request) -> Response:
        """Answer how many jobs and workers there are, of each kind."""
        queue, roster = self._endpoint.queue, self._endpoint.roster
        counts = queue.counts()
        busy = {job.worker_id for job in queue.jobs() if job.state is State.IN_PROGRESS and job.worker_id}
        jobs = {
            "completed": counts.completed,
            "failed": counts.failed,
            "inProgress": counts.in_progress,
            "inQueue": counts.in_queue,
            "retried": counts.retried,
        }
        return answer({"jobs": jobs, "workers": roster.counts(busy)})

    def _job(self, request: Request) -> Job:
        job = self._endpoint.queue.get(request.path_params["job_id"])
        if job is None:
            raise HTTPException(404, f"job {request.path_params['job_id']} not found, or no longer kept")
        return job


def _brief(job: Job | None) -> Response:
    if job is None:
        raise HTTPException(404, "job not found")
    return answer({"id": job.id, "status": str(job.state)})
