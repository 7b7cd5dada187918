"""A bucket on a real S3 server, on loopback."""

import logging
import socket
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from anomaly.errors import StorageDenied, StorageError, StorageMissing, StorageUnavailable
from anomaly.storage import LINK_S, Bucket, Target
from anomaly.storage import bucket as module
from tests.buckets import SECRET


def fetch(url: str) -> httpx2.Response:
    """Get a URL without any key."""
    with httpx2.Client(trust_env=False) as client:
        return client.get(url)


def test_an_object_comes_back_as_it_was_put(bucket: Bucket) -> None:
    """The same bytes, and a second put takes the first one's place."""
    bucket.put("a/masks.json", b"[1]", "application/json")
    bucket.put("a/masks.json", b"[2]", "application/json")
    assert bucket.get("a/masks.json", 100) == b"[2]"


def test_no_more_is_read_than_is_wanted(bucket: Bucket) -> None:
    """A larger object is refused by its size, not read into memory."""
    bucket.put("large", bytes(101), "application/octet-stream")
    with pytest.raises(StorageError, match="101 bytes and the limit is 100"):
        bucket.get("large", 100)


def test_a_link_reads_the_object_without_a_key(bucket: Bucket) -> None:
    """Whoever has the link gets the bytes with their content type; the secret is not in it."""
    bucket.put("photo.png", b"png", "image/png")
    url = bucket.link("photo.png")
    answer = fetch(url)
    assert (answer.content, answer.headers["content-type"]) == (b"png", "image/png")
    assert SECRET not in url


def test_a_link_holds_for_as_long_as_was_asked(bucket: Bucket) -> None:
    """The expiry stands in the signed link: a week, or what was asked."""
    for expires_s, url in ((LINK_S, bucket.link("a")), (60, bucket.link("a", 60))):
        query = parse_qs(urlsplit(url).query)
        assert query["X-Amz-Expires"] == [str(expires_s)]
        assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]


@pytest.mark.parametrize("expires_s", [0, -1, LINK_S + 1])
def test_a_link_that_cannot_be_is_not_made(bucket: Bucket, expires_s: int) -> None:
    """Signatures hold for a second to a week."""
    with pytest.raises(ValueError, match="1 to 604800"):
        bucket.link("a", expires_s)


def test_an_upload_link_takes_the_objects_bytes(bucket: Bucket) -> None:
    """A client without a key puts a photograph where the server then reads it."""
    url = bucket.upload_link("in/photo.jpg", "image/jpeg")
    with httpx2.Client(trust_env=False) as client:
        client.put(url, content=b"jpeg", headers={"Content-Type": "image/jpeg"}).raise_for_status()
    assert bucket.get("in/photo.jpg", 100) == b"jpeg"
    assert fetch(bucket.link("in/photo.jpg")).headers["content-type"] == "image/jpeg"


def test_a_moved_object_is_in_its_new_place_alone(bucket: Bucket) -> None:
    """From a temporary prefix to a permanent one, its content type with it."""
    bucket.put("temporary/a.json", b"{}", "application/json")
    bucket.move("temporary/a.json", "kept/a.json")
    assert [each.key for each in bucket.list()] == ["kept/a.json"]
    assert fetch(bucket.link("kept/a.json")).headers["content-type"] == "application/json"


def test_a_copied_object_is_in_both(bucket: Bucket) -> None:
    """The first one stays."""
    bucket.put("a", b"x", "text/plain")
    bucket.copy("a", "b")
    assert [each.key for each in bucket.list()] == ["a", "b"]


def test_a_list_tells_keys_sizes_and_times_below_a_prefix(bucket: Bucket, target: Target) -> None:
    """In order, past the thousand that one answer holds, and never what lies beside the bucket's own prefix."""
    Bucket(target).put("elsewhere", b"1", "text/plain")
    for number in range(3):
        bucket.put(f"a/{number}", bytes(number), "text/plain")
    bucket.put("b", b"", "text/plain")
    entries = list(bucket.list("a/"))
    assert [(each.key, each.size_bytes) for each in entries] == [("a/0", 0), ("a/1", 1), ("a/2", 2)]
    assert all(datetime.now(UTC) - each.modified_at < timedelta(minutes=5) for each in entries)
    assert [each.key for each in bucket.list()] == ["a/0", "a/1", "a/2", "b"]


def test_a_deleted_object_is_gone_and_may_be_deleted_again(bucket: Bucket) -> None:
    """What is not there is no failure."""
    bucket.put("a", b"x", "text/plain")
    bucket.delete("a")
    bucket.delete("a")
    assert list(bucket.list()) == []


@pytest.mark.parametrize(
    "deed",
    [
        lambda bucket: bucket.get("nothing", 10),
        lambda bucket: bucket.copy("nothing", "a"),
        lambda bucket: bucket.move("nothing", "a"),
    ],
    ids=["get", "copy", "move"],
)
def test_an_object_that_is_not_there_has_its_code(bucket: Bucket, deed: Callable[[Bucket], object]) -> None:
    """Reading, copying and moving it say so."""
    with pytest.raises(StorageMissing) as caught:
        deed(bucket)
    assert caught.value.code == "storage_missing"


def test_a_bucket_that_is_not_there_has_its_code(target: Target) -> None:
    """The message says that it is the bucket."""
    with pytest.raises(StorageMissing, match="no such bucket"):
        Bucket(replace(target, bucket="nowhere")).put("a", b"", "text/plain")


def test_a_name_that_s3_does_not_take_is_an_error(target: Target) -> None:
    """Said before anything is sent."""
    with pytest.raises(StorageError, match="none that S3 takes"):
        Bucket(replace(target, bucket="no bucket/at all")).put("a", b"", "text/plain")


@pytest.fixture
def answering() -> Callable[[int, bytes], tuple[str, list[str]]]:
    """Give a function that starts a server with one answer to everything: its URL, and what was asked of it."""
    servers: list[HTTPServer] = []

    def start(status: int, body: bytes) -> tuple[str, list[str]]:
        asked: list[str] = []

        class Answer(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                self.rfile.read(int(self.headers.get("content-length", 0)))
                asked.append(self.path)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                return

        server = HTTPServer(("127.0.0.1", 0), Answer)
        servers.append(server)
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return f"http://127.0.0.1:{server.server_address[1]}", asked

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "code", "kind", "calls"),
    [
        (403, "AccessDenied", StorageDenied, 1),
        (403, "SignatureDoesNotMatch", StorageDenied, 1),
        (401, "Unauthorized", StorageDenied, 1),
        (404, "NoSuchBucket", StorageMissing, 1),
        (400, "EntityTooLarge", StorageError, 1),
        (503, "SlowDown", StorageUnavailable, 2),
        (500, "InternalError", StorageUnavailable, 2),
    ],
)
def test_each_refusal_has_its_code_and_trouble_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
    answering: Callable[[int, bytes], tuple[str, list[str]]],
    status: int,
    code: str,
    kind: type[StorageError],
    calls: int,
) -> None:
    """A refusal is believed at once, trouble after some tries; the server's own words reach no caller."""
    monkeypatch.setattr(module, "TRIES", 2)
    said = f"<Error><Code>{code}</Code><Message>the-id-of-a-key is not welcome</Message></Error>"
    url, asked = answering(status, said.encode())
    with pytest.raises(kind) as caught:
        Bucket(Target(url, "the-id-of-a-key", SECRET, "photos")).put("a", b"x", "text/plain")
    assert type(caught.value) is kind
    assert len(asked) == calls
    assert "the-id-of-a-key" not in str(caught.value)


def test_a_server_that_is_not_there_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens: the message names the host, and the code says that a later try may help."""
    monkeypatch.setattr(module, "TRIES", 1)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(StorageUnavailable, match=r"127\.0\.0\.1 cannot be reached"):
            Bucket(Target(f"http://127.0.0.1:{port}", "id", SECRET, "photos")).put("a", b"", "text/plain")


def test_no_key_is_ever_logged(target: Target, caplog: pytest.LogCaptureFixture) -> None:
    """Not the secret, not the key's id, not a signature, even where everything is logged."""
    with caplog.at_level(logging.DEBUG):
        bucket = Bucket(target)
        bucket.put("a", b"x", "text/plain")
        signature = parse_qs(urlsplit(bucket.link("a")).query)["X-Amz-Signature"][0]
        with pytest.raises(StorageMissing):
            bucket.get("b", 10)
    assert SECRET not in caplog.text
    assert target.access_key_id not in caplog.text
    assert signature not in caplog.text
    assert "NoSuchKey" in caplog.text


def test_amazon_is_asked_by_host_name_and_others_by_path() -> None:
    """The link shows how the bucket is addressed, with the region it was signed for."""
    amazon = Bucket(Target("https://s3.eu-west-1.amazonaws.com", "id", SECRET, "photos")).link("a/b c.png")
    assert amazon.startswith("https://photos.s3.eu-west-1.amazonaws.com/a/b%20c.png?")
    assert "eu-west-1" in amazon
    other = Bucket(Target("https://s3api-eu-ro-1.runpod.io", "id", SECRET, "volume")).link("a.png")
    assert other.startswith("https://s3api-eu-ro-1.runpod.io/volume/a.png?")
