"""Reading a request's body: never more than the limit, and multipart forms out of what was read."""

from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from anomaly.errors import InvalidRequest, RequestTooLarge

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

FILE_FIELD = "file"
"""The field that the messages name for a form's photograph; any other name is read too."""

MOST_PARTS = 1000


async def read(request: Request, limit: int) -> bytes:
    """Return the whole body. Raises `RequestTooLarge` as soon as it is known to be over `limit` bytes."""
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
    """Return the one file of a multipart form, and its other fields. Raises `InvalidRequest`."""
    _, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if not boundary:
        raise InvalidRequest("the body is not a multipart form: Missing boundary in multipart.")
    parts = _Parts()
    try:
        parser = MultipartParser(boundary, parts.callbacks())
        parser.write(data)
        parser.finalize()
    except FormParserError:
        raise InvalidRequest("the body is not a multipart form: Invalid multipart data.") from None
    if len(parts.files) != 1:
        raise InvalidRequest(
            f"the form holds {len(parts.files)} files; send one, in the field {FILE_FIELD!r},"
            " or several as base64 to POST /detect/batch"
        )
    return parts.files[0], parts.fields


class _Parts:
    """Files and fields, as the parser comes upon them. A part with a file's name is a file."""

    def __init__(self) -> None:
        self.files: list[bytes] = []
        self.fields: dict[str, str] = {}
        self._chunks: list[bytes] = []
        self._header = self._value = self._disposition = b""
        self._count = 0

    def callbacks(self) -> "MultipartCallbacks":
        """Return what the parser calls."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_part_data": self._data,
            "on_part_end": self._end,
        }

    def _begin(self) -> None:
        self._count += 1
        if self._count > MOST_PARTS:
            raise InvalidRequest(f"the form has more than {MOST_PARTS} parts; send one file and its options")
        self._chunks, self._disposition = [], b""

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header = self._value = b""

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._chunks.append(data[start:end])

    def _end(self) -> None:
        _, options = parse_options_header(self._disposition)
        content = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        if b"name" not in options:
            raise InvalidRequest("the body is not a multipart form: a part of it has no name")
        if b"filename" in options:
            self.files.append(content)
        else:
            name = options[b"name"].decode("utf-8", "replace")
            self.fields[name] = content.decode("utf-8", "replace")


def _too_large(limit: int) -> RequestTooLarge:
    return RequestTooLarge(
        f"the request is over the limit of {limit / 1e6:.1f} MB; send fewer photos at once"
    )
