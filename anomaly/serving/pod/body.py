"""Reading a request's body: never more than the limit, and multipart forms out of what was read."""

from collections.abc import Iterator

from python_multipart.multipart import parse_options_header
from starlette.requests import ClientDisconnect, Request

from anomaly.errors import InvalidRequest, RequestTooLarge, UnsupportedBody

FILE_FIELD = "file"
"""The field that the messages name for a form's photograph; any other name is read too."""

MOST_PARTS = 1000


async def read(request: Request, limit: int) -> bytes:
    """Return the whole body. Raises `RequestTooLarge` as soon as it is known to be over `limit` bytes.

    A body that is packed (`Content-Encoding`) is an `UnsupportedBody`: what is in it may be of any size.
    """
    packed = request.headers.get("content-encoding", "identity").strip().lower()
    if packed not in ("", "identity"):
        raise UnsupportedBody(
            f"a body packed as {packed[:40]!r} is not read here; send it as it is, without Content-Encoding"
        )
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limit:
        raise _too_large(limit)
    chunks, size, more = [], 0, True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
        more = message.get("more_body", False)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def form(content_type: str, data: bytes) -> tuple[bytes, dict[str, str]]:
    """Return the one file of a multipart form (RFC 7578), and its other fields. Raises `InvalidRequest`."""
    _, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if not boundary:
        raise InvalidRequest("the body is not a multipart form: its type names no boundary")
    files: list[bytes] = []
    fields: dict[str, str] = {}
    for disposition, content in _parts(data, b"\r\n--" + boundary):
        _, options = parse_options_header(disposition)
        if b"name" not in options:
            raise InvalidRequest("the body is not a multipart form: a part of it has no name")
        if b"filename" in options:
            files.append(content)
        else:
            fields[options[b"name"].decode("utf-8", "replace")] = content.decode("utf-8", "replace")
    if len(files) != 1:
        raise InvalidRequest(
            f"the form holds {len(files)} files; send one, in the field {FILE_FIELD!r},"
            " or several as base64 to POST /detect/batch"
        )
    return files[0], fields


def _parts(data: bytes, delimiter: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the disposition and the content of each part of a body that is there as a whole (RFC 2046, 5.1.1).

    A parser of streams calls back for each piece of each header; this one finds the few ends that there are.
    """
    at = 0 if data.startswith(delimiter[2:]) else data.find(delimiter) + 2
    if at == 1:
        raise InvalidRequest("the body is not a multipart form: its boundary is not in it")
    at += len(delimiter) - 2
    for _ in range(MOST_PARTS):
        if data.startswith(b"--", at):
            return
        line_end = data.find(b"\r\n", at)
        head_end = data.find(b"\r\n\r\n", line_end)
        end = data.find(delimiter, head_end + 2)  # the blank line may be a part's last: it is empty then
        if line_end < 0 or data[at:line_end].strip(b" \t") or head_end < 0 or end < 0:
            raise InvalidRequest("the body is not a multipart form: it breaks off, or a part of it is broken")
        yield _disposition(data[line_end + 2 : head_end]), data[head_end + 4 : end]
        at = end + len(delimiter)
    raise InvalidRequest(f"the form has more than {MOST_PARTS} parts; send one file and its options")


def _disposition(head: bytes) -> bytes:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-disposition":
            return value.strip()
    return b""


def _too_large(limit: int) -> RequestTooLarge:
    return RequestTooLarge(
        f"the request is over the limit of {limit / 1e6:g} MB; send fewer photos at once, or less beside them"
    )
