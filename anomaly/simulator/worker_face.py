"""What a worker calls, as runpod 1.12 does: job-take(-batch), job-stop, job-done, job-stream, ping."""

from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from anomaly.errors import InvalidRequest
from anomaly.simulator.endpoint import Endpoint
from anomaly.simulator.exchange import answer, body_within, while_connected
from anomaly.simulator.gate import HAND_OUT_AGAIN
from anomaly.simulator.job import Job
from anomaly.simulator.submission import milliseconds

MOST_AT_ONCE = 1000


class WorkerFace:
    """The routes below /v2/ENDPOINT/ that workers use."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/job-take/{worker_id}", self.take),
            Route("/job-take-batch/{worker_id}", self.take_batch),
            Route("/job-stop/{worker_id}", self.stop),
            Route("/job-done/{worker_id}/{job_id}", self.done, methods=["POST"]),
            Route("/job-stream/{worker_id}/{job_id}", self.stream, methods=["POST"]),
            Route("/ping/{worker_id}", self.ping),
        ]

    async def take(self, request: Request) -> Response:
        """Answer one job, held open until there is one; 204 where none came."""
        jobs = await self._wait_for_jobs(request, 1)
        return answer(jobs[0].for_worker()) if jobs else Response(status_code=204)

    async def take_batch(self, request: Request) -> Response:
        """Answer a list of up to `batch_size` jobs, as soon as there is one; 204 where none came."""
        count = milliseconds("batch_size", request.query_params.get("batch_size", "1"), 1, MOST_AT_ONCE)
        jobs = await self._wait_for_jobs(request, count)
        return answer([job.for_worker() for job in jobs]) if jobs else Response(status_code=204)

    async def _wait_for_jobs(self, request: Request, count: int) -> list[Job] | None:
        worker_id: str = request.path_params["worker_id"]
        endpoint = self._endpoint
        endpoint.roster.heard(worker_id, ready=True)
        await request.body()
        jobs = await while_connected(
            request,
            endpoint.bell.wait_for(lambda: endpoint.queue.take(worker_id, count), endpoint.limits.poll_s),
        )
        if jobs and request.scope.get(HAND_OUT_AGAIN):
            endpoint.queue.hand_out_again(jobs[0].id)
            endpoint.bell.ring()
        return jobs

    async def stop(self, request: Request) -> Response:
        """Answer the ids of jobs that the worker is to stop, held open until there are some."""
        worker_id: str = request.path_params["worker_id"]
        endpoint = self._endpoint
        endpoint.roster.heard(worker_id)
        await request.body()
        ids = await while_connected(
            request, endpoint.bell.wait_for(lambda: endpoint.queue.stops(worker_id), endpoint.limits.poll_s)
        )
        return answer({"jobsToStop": ids}) if ids else Response(status_code=204)

    async def done(self, request: Request) -> Response:
        """Take a result or, where `status` is IN_PROGRESS, an interim output; 404 where the job is not known.

        What cannot be read (not JSON, NaN, an `error` that is no string, more than the limit) is answered 400
        and leaves the job COMPLETED without an output: observed for answers over the limit, else assumed.
        """
        job_id: str = request.path_params["job_id"]
        queue = self._endpoint.queue
        self._endpoint.roster.heard(request.path_params["worker_id"])
        try:
            result = _result(await body_within(request, self._endpoint.limits.output_bytes))
        except HTTPException:
            queue.answer(job_id)
            raise
        if result.get("status") == "IN_PROGRESS":
            known = queue.progress(job_id, result.get("output"))
        else:
            known = queue.answer(job_id, result.get("output"), result.get("error"))
        if result.get("stopPod"):
            self._endpoint.recycle(request.path_params["worker_id"])
        return _acknowledged(known, job_id)

    async def stream(self, request: Request) -> Response:
        """Take one chunk of a generator's output; 400 where it cannot be read, or is larger than the limit."""
        job_id: str = request.path_params["job_id"]
        self._endpoint.roster.heard(request.path_params["worker_id"])
        chunk = _result(await body_within(request, self._endpoint.limits.stream_bytes))
        return _acknowledged(self._endpoint.queue.stream(job_id, chunk), job_id)

    async def ping(self, request: Request) -> Response:
        """Note that the worker lives, and which jobs it says it has (`job_id`, separated by commas)."""
        worker_id: str = request.path_params["worker_id"]
        query = request.query_params
        unhealthy = (
            f"{query.get('check')}: {query.get('reason')}" if query.get("status") == "unhealthy" else None
        )
        self._endpoint.roster.heard(worker_id, unhealthy=unhealthy)
        self._endpoint.queue.heard(query.get("job_id", "").split(","), worker_id)
        return answer({"status": "ok"})


def _result(body: bytes) -> dict[str, Any]:
    try:
        result = orjson.loads(body)
        if not isinstance(result, dict) or not isinstance(result.get("error", ""), str):
            raise InvalidRequest("expected a JSON object whose error, if any, is a string")
    except (orjson.JSONDecodeError, InvalidRequest) as error:
        raise HTTPException(400, f"the answer cannot be read: {error}") from error
    return result


def _acknowledged(known: bool, job_id: str) -> Response:
    if not known:
        raise HTTPException(404, f"job {job_id} not found")
    return answer({"status": "ok"})
