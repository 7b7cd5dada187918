"""Bodies on their way, over a real server: slow ones, many at once, and those whose length nobody told."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from anomaly import machine
from anomaly.bootstrap import build, queue
from anomaly.serving.pod import Uploads, create_app
from anomaly.settings import Settings
from tests.listener import on_uvicorn
from tests.pictures import base64_of, encoded

BODY = json.dumps({"image": base64_of(encoded())}).encode()
ROOM = 3 * len(BODY)


@contextmanager
def pod(folder: Path, uploads: Uploads, **settings: Any) -> Iterator[str]:
    """Serve with the fake models; give the address."""
    read = Settings(
        detector_backend="fake", segmenter_backend="fake", cpu_threads=1, state_path=folder, **settings
    )
    service = build(read)
    service.start()
    service.wait()
    with on_uvicorn(create_app(service, 0.3, queue=queue(read, service), uploads=uploads)) as url:
        yield url


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give a server that has room for three bodies, and waits long for each."""
    with pod(tmp_path_factory.mktemp("full"), Uploads(ROOM, 60.0)) as address:
        yield address


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give a server that has room, takes 1 s for an answer, and waits less for a body."""
    with pod(tmp_path_factory.mktemp("hasty"), Uploads(timeout_s=0.4), fake_batch_ms=1000) as address:
        yield address


@contextmanager
def begun(address: str, length: int, sent: bytes = b"", path: str = "/detect") -> Iterator[socket.socket]:
    """Begin to send a body, and leave it at that."""
    url = httpx.URL(address)
    with socket.create_connection((url.host, url.port or 80), timeout=20) as line:
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        line.sendall(head.encode() + sent)
        time.sleep(0.2)
        yield line


def answered(line: socket.socket) -> tuple[int, bytes]:
    """Read an answer to the end of the connection; return status and all of it."""
    told = b""
    while piece := line.recv(65_536):
        told += piece
    return int(told.split(b" ", 2)[1]), told


def until_answered(address: str, within_s: float = 5.0) -> httpx.Response:
    """Send a photo until it is answered: that a line has ended is seen a moment later."""
    ends = time.monotonic() + within_s
    while (answer := httpx.post(f"{address}/detect", content=BODY)).is_error and time.monotonic() < ends:
        time.sleep(0.05)
    return answer


def test_what_does_not_fit_beside_the_others_is_refused(full: str) -> None:
    """Bytes that are only announced count; small bodies still fit, and room is there again once a line breaks."""
    with begun(full, ROOM - len(BODY)):
        assert httpx.post(f"{full}/detect", content=BODY).status_code == 200
        with begun(full, len(BODY)):
            answer = httpx.post(f"{full}/detect", content=BODY)
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "overloaded")
            assert answer.headers["retry-after"] == "5"
            assert httpx.get(f"{full}/health").status_code == 200
    assert until_answered(full).status_code == 200


def test_a_body_of_untold_length_counts_as_it_comes(full: str) -> None:
    """Without Content-Length nothing is known before; what has come so far is given up where it is too much."""
    pieces = [BODY[:100], BODY[100:]]
    assert httpx.post(f"{full}/detect", content=iter(pieces)).status_code == 200
    with begun(full, ROOM - 100):
        answer = httpx.post(f"{full}/detect", content=iter(pieces))
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "overloaded")
    assert until_answered(full).status_code == 200


def test_alone_every_body_fits(tmp_path: Path) -> None:
    """A bound under the size of one request refuses none for ever."""
    with pod(tmp_path, Uploads(1)) as address:
        for _ in range(2):
            assert httpx.post(f"{address}/detect", content=BODY).status_code == 200
        assert httpx.post(f"{address}/detect", content=iter([BODY[:9], BODY[9:]])).status_code == 200
        with begun(address, len(BODY)):
            assert httpx.post(f"{address}/purge-queue").status_code == 200, "what has no body needs no room"


def test_what_is_too_large_for_the_door_is_told_so(full: str) -> None:
    """It is no matter of room: nothing of it is read."""
    with begun(full, 10**9) as line:
        line.shutdown(socket.SHUT_WR)
        assert b"request_too_large" in answered(line)[1]
    assert until_answered(full).status_code == 200


@pytest.mark.parametrize("path", ["/detect", "/detect/batch", "/detect/upload", "/run", "/runsync"])
@pytest.mark.parametrize("sent", [b"", BODY[:50]])
def test_a_body_that_does_not_come_is_given_up(hasty: str, path: str, sent: bytes) -> None:
    """Each door answers 408 in the one shape, and the connection ends."""
    with begun(hasty, len(BODY), sent, path) as line:
        status, told = answered(line)
    assert status == 408
    assert b'"code":"upload_too_slow"' in told
    assert b"connection: close" in told.lower()


def test_a_body_that_trickles_is_given_up(hasty: str) -> None:
    """The time is that of the whole body, not from one piece to the next."""
    sent = 0
    with begun(hasty, len(BODY)) as line, suppress(OSError):  # it hangs up
        for each in BODY:
            line.sendall(bytes([each]))
            sent += 1
            time.sleep(0.05)
    assert sent < len(BODY)


def test_only_the_body_has_its_time(hasty: str) -> None:
    """An answer may take longer than a body, also beside others."""
    assert httpx.post(f"{hasty}/detect", content=BODY, timeout=20).status_code == 200
    with begun(hasty, len(BODY)), begun(hasty, len(BODY)):
        assert httpx.post(f"{hasty}/detect", content=BODY, timeout=20).status_code == 200


def test_by_itself_the_bound_follows_the_memory() -> None:
    """Set, it is what was set."""
    assert Uploads(17).bound() == 17
    assert Uploads().bound() == (machine.memory_bytes() or 0) // 8
