"""Reading a request's body: never more than the limit, and multipart forms out of what was read."""

from collections.abc import AsyncGenerator

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from anomaly.errors import InvalidRequest, RequestTooLarge

FILE_FIELD = "file"
"""The field that the messages name for a form's photograph; any other name is read too."""


async def read(request: Request, limit: int) -> bytes:
    """Return the whole body. Raises `RequestTooLarge` as soon as it is known to be over `limit` bytes."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limit:
        raise _too_large(limit)
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
    return b"".join(chunks)


async def read_form(request: Request, limit: int) -> tuple[bytes, dict[str, str]]:
    """Return the one file of a multipart form, and its other fields. Raises `InvalidRequest`."""
    data = await read(request, limit)

    async def once() -> AsyncGenerator[bytes, None]:
        yield data

    try:
        form = await MultiPartParser(request.headers, once(), max_part_size=limit).parse()
    except (MultiPartException, KeyError) as error:
        raise InvalidRequest(f"the body is not a multipart form: {error}") from None
    try:
        return await _one_file(form)
    finally:
        await form.close()


async def _one_file(form: FormData) -> tuple[bytes, dict[str, str]]:
    files = [value for name, value in form.multi_items() if isinstance(value, UploadFile)]
    fields = {name: value for name, value in form.multi_items() if isinstance(value, str)}
    if len(files) != 1:
        raise InvalidRequest(
            f"the form holds {len(files)} files; send one, in the field {FILE_FIELD!r},"
            " or several as base64 to POST /detect/batch"
        )
    return await files[0].read(), fields


def _too_large(limit: int) -> RequestTooLarge:
    return RequestTooLarge(
        f"the request is over the limit of {limit / 1e6:.1f} MB; send fewer photos at once"
    )
