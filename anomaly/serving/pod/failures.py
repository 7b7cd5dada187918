"""Every failure over HTTP: `{"error": {"code", "message"}}` and a status, whoever raised it."""

import math
from typing import NoReturn

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from anomaly import errors
from anomaly.wire import answer, shapes

# The most specific class decides.
STATUS: dict[type[errors.AnomalyError], int] = {
    errors.AnomalyError: 500,
    errors.InputError: 400,
    errors.InvalidRequest: 422,
    errors.NotFound: 404,
    errors.UnsupportedImage: 415,
    errors.ImageTooLarge: 413,
    errors.TooManyPixels: 413,
    errors.TooManyImages: 413,
    errors.AnswerTooLarge: 413,
    errors.RequestTooLarge: 413,
    errors.UnsupportedBody: 415,
    errors.Unauthorized: 401,
    errors.Refused: 503,
    errors.QueueFull: 429,
    errors.RateLimited: 429,
    errors.UploadTooSlow: 408,
    errors.DeadlineExceeded: 504,
    errors.CallerGone: 499,  # nginx's
    errors.StorageError: 502,
    errors.StorageUnavailable: 503,
}

LATER_S = 10
"""When to come again where nothing measured says so, seconds."""

# What the router itself refuses.
_ROUTER_CODES = {404: "not_found", 405: "method_not_allowed"}


def status_of(error: errors.AnomalyError) -> int:
    """Return the HTTP status of an error: that of the nearest class of its tree in `STATUS`."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def response(error: errors.AnomalyError) -> Response:
    """Return an error as an answer; a 429 and a 503 with a `Retry-After` in whole seconds."""
    headers = {}
    status = status_of(error)
    if isinstance(error, errors.Refused) and error.retry_after_s is not None:
        headers["Retry-After"] = str(math.ceil(error.retry_after_s))
    elif status in (429, 503):
        headers["Retry-After"] = str(LATER_S)
    if isinstance(error, errors.Unauthorized):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, errors.UploadTooSlow):
        headers["Connection"] = "close"  # the rest of the body is not waited for (RFC 9110, 15.5.9)
    return _json(status, answer.error_response(error), headers)


async def send(error: errors.AnomalyError, scope: Scope, receive: Receive, to: Send) -> None:
    """Answer an error outside of the application's routes, and note its code for the log and the figures."""
    note(scope, error.code)
    await response(error)(scope, receive, to)


async def unexpected(scope: Scope, receive: Receive, to: Send) -> None:
    """Answer what nobody expected; its reason is for the log alone."""
    await send(
        errors.InternalError("the server failed on this request; its log says how"), scope, receive, to
    )


def note(scope: Scope, code: str) -> None:
    """Let the request carry the code of the error in which it ends."""
    scope.setdefault("state", {})["error_code"] = code


def install(app: FastAPI) -> None:
    """Answer what `app` refuses in the one shape; what it does not expect is `Trace`'s."""

    async def known(request: Request, error: Exception) -> Response:
        if not isinstance(error, errors.AnomalyError):
            raise error
        note(request.scope, error.code)
        return response(error)

    async def refused(request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            raise error
        code = _ROUTER_CODES.get(error.status_code, "http_error")
        note(request.scope, code)
        message = f"{request.method} {request.url.path}: {error.detail}; GET /docs lists what there is"
        problem: shapes.ErrorResponse = {"error": {"code": code, "message": message}}
        return _json(error.status_code, problem, dict(error.headers or {}))

    async def passed_on(_: Request, error: Exception) -> NoReturn:
        raise error  # without this one the framework answers in words of its own

    app.add_exception_handler(errors.AnomalyError, known)
    app.add_exception_handler(Exception, passed_on)
    app.add_exception_handler(HTTPException, refused)


def _json(status: int, value: shapes.ErrorResponse, headers: dict[str, str]) -> Response:
    return Response(answer.to_json(value), status, headers, media_type="application/json")
