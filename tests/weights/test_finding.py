import hashlib
import io
import logging
from pathlib import Path

import pytest

from anomaly.errors import ConfigurationError, WeightsError
from anomaly.weights import (
    Entry,
    Found,
    Places,
    Source,
    find,
    named,
    progress,
    reference,
    sha256,
    telling,
    verify,
)

ENTRY = Entry("w", "w.pt", repo="org/name", url="http://x/w.pt")
OLD, NEW = "a" * 40, "b" * 40


def put(path: Path, data: bytes = b"weights") -> Path:
    """Write a file with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_the_order_of_the_places(tmp_path: Path) -> None:
    """Beside what was named, then the Hugging Face cache, baked, the volume, downloads of ours, of others."""
    places = Places(
        explicit=(tmp_path / "explicit",),
        hubs=(tmp_path / "hub",),
        baked=(tmp_path / "baked",),
        volume=tmp_path / "volume",
        downloads=tmp_path / "downloads",
        downloaded=(tmp_path / "others",),
    )
    order = [
        (tmp_path / "explicit" / "w.pt", Source.EXPLICIT),
        (tmp_path / "hub" / "models--org--name" / "snapshots" / NEW / "w.pt", Source.HUGGING_FACE),
        (tmp_path / "baked" / "w.pt", Source.BAKED),
        (tmp_path / "volume" / "w.pt", Source.VOLUME),
        (tmp_path / "downloads" / "w.pt", Source.DOWNLOADED),
        (tmp_path / "others" / "w.pt", Source.DOWNLOADED),
    ]
    assert find(ENTRY, places) is None
    for path, source in reversed(order):
        put(path)
        assert find(ENTRY, places) == Found(path, source)


def test_a_cache_gives_the_revision_that_is_wanted(tmp_path: Path) -> None:
    """The revision that is named, else what `main` points to, else the newest there is."""
    model = tmp_path / "models--org--name"
    places = Places(hubs=(tmp_path,), downloads=tmp_path / "none")
    old = put(model / "snapshots" / OLD / "w.pt")
    assert find(ENTRY, places) == Found(old, Source.HUGGING_FACE)
    new = put(model / "snapshots" / NEW / "w.pt")
    put(model / "refs" / "main", f"{OLD}\n".encode())
    put(model / "refs" / "v2", NEW.encode())
    assert find(ENTRY, places) == Found(old, Source.HUGGING_FACE)
    for revision in ("v2", NEW):
        wanted = Entry("w", "w.pt", repo="org/name", revision=revision)
        assert find(wanted, places) == Found(new, Source.HUGGING_FACE)
    assert find(Entry("w", "w.pt", repo="org/name", revision="v3"), places) is None
    assert find(Entry("w", "w.pt", repo="org/other"), places) is None


def test_verifying_holds_size_and_hash(tmp_path: Path) -> None:
    """The right file's hash is returned; another size or hash is an error that names both."""
    path = put(tmp_path / "w.pt")
    digest = hashlib.sha256(b"weights").hexdigest()
    md5 = hashlib.md5(b"weights").hexdigest()  # noqa: S324
    assert verify(path, Entry("w", "w.pt")) == sha256(path) == digest
    assert verify(path, Entry("w", "w.pt", size_bytes=7, sha256=digest.upper(), md5=md5)) == digest
    with pytest.raises(WeightsError, match="7 bytes and should have 8"):
        verify(path, Entry("w", "w.pt", size_bytes=8))
    with pytest.raises(WeightsError, match=f"{digest} and should be 000"):
        verify(path, Entry("w", "w.pt", sha256="0" * 64))


def test_an_entry_is_named_by_its_name_or_its_file() -> None:
    """An unknown name is an error that lists those there are."""
    assert named([ENTRY], "w") is named([ENTRY], "w.pt") is ENTRY
    with pytest.raises(ConfigurationError, match="use one of w"):
        named([ENTRY], "v")


def test_a_setting_may_name_a_repository_or_an_address() -> None:
    """hf:// and http(s):// are read, also after a path has eaten a slash; a path is none of them."""
    for text in ("hf://org/na-me/sub/w.pth", "hf:/org/na-me/sub/w.pth"):
        assert reference(text, "X") == Entry("sub/w.pth", "sub/w.pth", title="sub/w.pth", repo="org/na-me")
    pinned = reference("hf://org/name/w.pth@v1.0", "X")
    assert pinned is not None
    assert (pinned.file, pinned.revision) == ("w.pth", "v1.0")
    for text in (
        f"https://x.org/a/w.pth?s=1#sha256={'A' * 64}",
        f"https:/x.org/a/w.pth?s=1#sha256={'a' * 64}",
    ):
        found = reference(text, "X")
        assert found is not None
        assert (found.file, found.url, found.sha256) == ("w.pth", "https://x.org/a/w.pth?s=1", "a" * 64)
    assert reference("/models/w.pth", "X") is None
    assert reference("w.pth", "X") is None
    for text in ("hf://name", "hf://org/name", "https://x.org/", "https://x.org/w.pt#sha256=1"):
        with pytest.raises(ConfigurationError, match=r"^DETECTOR_WEIGHTS should be"):
            reference(text, "DETECTOR_WEIGHTS")


def test_gated_files_come_from_their_repository() -> None:
    """A page of the hub is no address of a file; another address is preferred to the repository."""
    assert not ENTRY.from_hub
    assert Entry("w", "w.pt", repo="org/name").from_hub
    assert Entry("w", "w.pt", repo="org/name", url="https://huggingface.co/org/name").from_hub


def test_progress_is_lines_in_a_log(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is no terminal a download says now and then how far it is."""
    monkeypatch.setattr(progress, "EVERY_S", 0.0)
    with caplog.at_level(logging.INFO), telling("w.pt") as told:
        told(5_000_000, 10_000_000)
        told(6_000_000, None)
    assert [each.message for each in caplog.records] == ["w.pt: 5 of 10 MB", "w.pt: 6 MB"]


def test_progress_is_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal a bar names the file and counts its bytes."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("COLUMNS", "120")
    with telling("w.pt") as told:
        told(5_000_000, 10_000_000)
    assert "w.pt" in terminal.getvalue()
    assert "5.0/10.0 MB" in terminal.getvalue()
