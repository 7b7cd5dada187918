"""Heads and trailers of requests that are late or without an end, over a real server."""

import socket
import time
from collections.abc import Iterable, Iterator
from itertools import repeat

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from anomaly.serving.pod.protocol import MOST_STRAY_BYTES, Protocol
from tests.listener import on_uvicorn

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"


class Hasty(Protocol):
    """Waits less."""

    head_s = 0.4


async def _echo(request: Request) -> PlainTextResponse:
    return PlainTextResponse(await request.body())


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Serve an echo that waits 0.4 s for a head."""
    with on_uvicorn(Starlette(routes=[Route("/", _echo, methods=["POST"])]), http=Hasty) as url:
        yield url


def called(url: str) -> socket.socket:
    """Open a connection."""
    address = httpx.URL(url)
    return socket.create_connection((address.host, address.port or 80), timeout=20)


def heard(line: socket.socket) -> bytes:
    """Return all that comes until the server hangs up."""
    told = b""
    while piece := line.recv(65_536):
        told += piece
    return told


def poured(line: socket.socket, pieces: Iterable[bytes], pause_s: float = 0.0) -> bool:
    """Send piece after piece; return whether the server took all of them, and did not hang up."""
    try:
        for each in pieces:
            line.sendall(each)
            time.sleep(pause_s)
    except OSError:
        return False
    return True


@pytest.mark.parametrize("sent", [b"P", HEAD, HEAD[:-5]])
def test_a_head_that_does_not_come_is_given_up(url: str, sent: bytes) -> None:
    """Half a head is answered 408, and the connection ends."""
    with called(url) as line:
        line.sendall(sent)
        assert heard(line).startswith(b"HTTP/1.1 408 ")


def test_a_connection_without_a_request_is_ended(url: str) -> None:
    """Nothing is said on it: a proxy would take it for the answer to its next request."""
    with called(url) as line:
        assert heard(line) == b""


def test_a_head_that_trickles_is_given_up(url: str) -> None:
    """The time is that of the whole head, on a connection that has answered before, too."""
    with called(url) as line:
        line.sendall(HEAD + b"\r\nabcd")
        assert b"200 OK" in line.recv(65_536)
        assert not poured(line, (bytes([each]) for each in HEAD * 10), 0.05)


CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("more", [b"X-More: %b\r\n" % (b"x" * 1000), b"x" * 1000])
@pytest.mark.parametrize("begun", [HEAD, CHUNKED + b"4\r\nabcd\r\n0\r\n", b"GET /"])
def test_what_has_no_end_is_refused(url: str, begun: bytes, more: bytes) -> None:
    """A head, trailers, one line of them or an address without an end fill no memory: the connection ends before."""
    with called(url) as line:
        line.sendall(begun)
        assert not poured(line, repeat(more, 100 * MOST_STRAY_BYTES // len(more)))


def test_a_body_in_many_pieces_with_trailers_passes(url: str) -> None:
    """However small its pieces are, and whatever their frames add up to."""
    pieces = 30_000
    with called(url) as line:
        line.sendall(CHUNKED + b"1\r\na\r\n" * pieces + b"0\r\nX-Sum: 7\r\n\r\n")
        told = b""
        while len(told.partition(b"\r\n\r\n")[2]) < pieces:
            told += line.recv(65_536)
    assert told.startswith(b"HTTP/1.1 200 ")
    assert told.endswith(b"\r\n\r\n" + b"a" * pieces)


def test_only_the_head_has_its_time(url: str) -> None:
    """A body may come later, a long head in one go passes, and so does one in two pieces."""
    with called(url) as line:
        line.sendall(HEAD[:20])
        time.sleep(0.1)
        line.sendall(HEAD[20:] + b"\r\n")
        time.sleep(0.8)
        line.sendall(b"abcd")
        assert line.recv(65_536).endswith(b"abcd")
    long = {"X-Long": "x" * 30_000}
    with httpx.Client(base_url=url) as client:
        assert [client.post("/", content=b"abcd", headers=long).text for _ in range(2)] == ["abcd"] * 2
