"""Handing a request that does not wait to the queue."""

from typing import Any

from fastapi import Request

from anomaly.errors import InvalidRequest
from anomaly.jobs import Jobs, Submission
from anomaly.serving.pod.answered import Answered
from anomaly.wire import answer
from anomaly.wire.options import DetectOptions

MOST_KEY = 255
"""Characters of an Idempotency-Key."""


def key_of(request: Request) -> str | None:
    """Return under which key the caller hands a job in, such that a repeated call makes no second one.

    It is the caller's own: two of them may choose the same. Raises `InvalidRequest`.
    """
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    if not 0 < len(key) <= MOST_KEY:
        raise InvalidRequest(f"Idempotency-Key has 1 to {MOST_KEY} characters, such as those of a UUID")
    return f"{request.scope.get('state', {}).get('holder', '')}\n{key}"


async def handed_in(
    queue: Jobs | None, request: Request, asked: DetectOptions, photo: dict[str, Any] | None = None
) -> Answered:
    """Queue what was asked for and answer 202 with the job's id and where its status is.

    `photo` is the photograph's field where it did not come in the request's JSON. Raises `InvalidRequest`
    where there is no queue.
    """
    if queue is None:
        raise InvalidRequest("this server takes no jobs; leave wait_for_result out")
    try:
        fields = asked.model_dump(mode="json", exclude_unset=True, exclude={"wait_for_result"})
    except ValueError:  # an image that is no text; one that waits is told as much by its job
        raise InvalidRequest("the request is nested too deeply; an image is base64 text") from None
    job = await queue.submit(Submission(input={**fields, **(photo or {})}), key_of(request))
    where = f"{request.scope.get('root_path', '')}/status/{job.id}"
    return Answered(
        answer.to_json({**job.brief(), "status_url": where}), status=202, headers=(("Location", where),)
    )
