"""The other end of a webhook: an ASGI application, or one function for any framework.

    app = receiver(lambda notice: print(notice.job_id, notice.state), secrets=["shared secret"])

Pods sign what they send. RunPod does not: for its endpoints put a secret into the webhook's URL instead.
"""

import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from anomaly.client.answers import Result, result_of
from anomaly.client.errors import ClientError
from anomaly.client.job import Status, output_of, slots, status_of
from anomaly.errors import AnomalyError, InvalidRequest, RequestTooLarge
from anomaly.types import JobState as State
from anomaly.webhooks import HEADER, TOLERANCE_S, InvalidSignature, verify

MOST_BYTES = 32_000_000
"""An answer has about 20 MB at the most."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What a webhook says: a job has ended, and how."""

    status: Status

    @property
    def job_id(self) -> str:
        """The job's id, as `submit` gave it."""
        return self.status.id

    @property
    def state(self) -> State:
        """How the job ended."""
        return self.status.state

    def results(self) -> list[Result]:
        """Return the answers of the job's photos, in order. Raises the `JobFailed` of a job that failed."""
        return [result_of(each) for each in slots(output_of(self.status), self.job_id)]


def read_notice(
    body: bytes, signature: str | None, secrets: str | Sequence[str], *, tolerance_s: float = TOLERANCE_S
) -> Notice:
    """Verify a webhook and read it: `body` as it came, `signature` the header `X-Anomaly-Signature`.

    Raises `InvalidSignature` for what nobody who knows a secret has sent, `InvalidRequest` for what is no notice.
    """
    verify(body, signature, secrets, tolerance_s=tolerance_s)
    try:
        return Notice(status_of(orjson.loads(body)))
    except (orjson.JSONDecodeError, ClientError):
        raise InvalidRequest("the webhook's body is signed, but does not say how a job ended") from None


def receiver(
    handle: Callable[[Notice], Awaitable[None] | None],
    secrets: str | Sequence[str],
    *,
    path: str = "/",
    tolerance_s: float = TOLERANCE_S,
) -> Starlette:
    """Return an ASGI application that calls `handle` for each webhook that is truly the server's.

    It answers 204 when `handle` is done, 401 for a wrong signature, 400 for what is no notice and 413 for what
    is too large. Where `handle` raises it answers 500, and the server sends the notice again: a notice may come
    twice, and `Notice.job_id` tells.
    """
    verify_now = tuple([secrets] if isinstance(secrets, str) else secrets)

    async def receive(request: Request) -> Response:
        try:
            body = await _body(request)
            notice = read_notice(body, request.headers.get(HEADER), verify_now, tolerance_s=tolerance_s)
        except AnomalyError as error:
            known: dict[type[AnomalyError], int] = {InvalidSignature: 401, RequestTooLarge: 413}
            status = known.get(type(error), 400)
            return JSONResponse({"error": {"code": error.code, "message": str(error)}}, status)
        handled = handle(notice)
        if inspect.isawaitable(handled):
            await handled
        return Response(status_code=204)

    return Starlette(routes=[Route(path, receive, methods=["POST"])])


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise RequestTooLarge(f"the webhook has more than {MOST_BYTES / 1e6:.0f} MB")
    return bytes(body)
