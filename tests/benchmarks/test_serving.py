import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from anomaly.imaging.decode import decode
from anomaly.types import Limits
from benchmarks.serving import requests, servers, task
from benchmarks.serving.load import Load, Order, Result
from benchmarks.serving.peers.naive import create_app


@pytest.fixture(scope="module")
def load() -> Iterator[Load]:
    """Give a running load."""
    load = Load()
    yield load
    load.close()


def sliced(load: Load, server: servers.Server, kind: requests.Kind, folder: Path) -> Result:
    """Put half a second of two callers on a server."""
    path = servers.upload_path(server.name) if kind.form else "/detect"
    file = folder / "request"
    file.write_bytes(requests.request(kind, path))
    server.wait(file.read_bytes())
    return load.put(Order(server.port, str(file), 2, 0.5))


@pytest.mark.parametrize("name", [servers.OURS, servers.FLOOR, "naive"])
def test_a_slice_of_load_is_answered(
    load: Load, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Our server, the floor and the naive one answer both kinds of request, without an error, and at a cost."""
    monkeypatch.setattr(servers, "PYTHON", Path(sys.executable))
    with servers.Server(name, "lock", tmp_path / "log") as server:
        for kind in requests.KINDS:
            result = sliced(load, server, kind, tmp_path)
            assert result.latencies_ms
            assert not result.errors
            assert min(result.latencies_ms) >= task.BATCH_MS
        assert server.cpu_s() > 0


def test_what_is_not_answered_with_200_is_an_error(load: Load, tmp_path: Path) -> None:
    """Answers that refuse are counted by their status, never as throughput."""
    file = tmp_path / "request"
    file.write_bytes(requests.http("/nowhere", "text/plain", b""))
    with servers.Server(servers.OURS, "lock", tmp_path / "log") as server:
        server.wait(requests.request(requests.KINDS[0], "/detect/upload"))
        result = load.put(Order(server.port, str(file), 1, 0.2))
    assert result.errors == {"404": result.total}
    assert not result.latencies_ms


def test_a_server_that_never_answers_is_given_up(load: Load, tmp_path: Path) -> None:
    """A peer that hangs costs its own figures, and neither the run nor the load."""
    file = tmp_path / "request"
    file.write_bytes(requests.http("/", "text/plain", b""))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        result = load.put(Order(silent.getsockname()[1], str(file), 3, 0.1, patience_s=0.1))
    assert result.errors == {"unanswered": 3}
    assert (result.total, result.latencies_ms) == (0, [])


def test_a_server_that_ends_is_told_with_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that does not come up is an error that quotes what the server said."""
    monkeypatch.setattr(servers, "PYTHON", Path(sys.executable))
    server = servers.Server("nothing", "lock", tmp_path / "log")
    with server, pytest.raises(RuntimeError, match="No module named"):
        server.wait(requests.request(requests.KINDS[0], "/detect"))


def test_the_photographs_are_of_their_size() -> None:
    """The photographs that are sent decode to the pixels that their kind names."""
    for kind in requests.KINDS:
        photo = requests.photograph(kind.width, kind.height)
        assert decode(photo, Limits()).shape == (kind.height, kind.width, 3)


def test_the_peers_answer_what_they_are_asked() -> None:
    """A peer's answer holds twenty boxes inside the photograph, under our own names."""
    photo = requests.photograph(64, 48)
    picture = task.decode(photo)
    answer = task.answer(picture, task.lock()([picture])[0])
    assert answer["image_size"] == {"width": 64, "height": 48}
    assert answer["anomaly_count"] == len(answer["anomalies"]) == task.BOXES
    assert all(
        0 <= each["bbox"]["x_min"] < each["bbox"]["x_max"] <= 64
        and 0 <= each["bbox"]["y_min"] < each["bbox"]["y_max"] <= 48
        for each in answer["anomalies"]
    )
    assert create_app(task.lock()).title
