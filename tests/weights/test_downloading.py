import hashlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from anomaly.errors import WeightsError
from anomaly.weights import Entry, fetch
from tests.weights.shelf import Shelf, open_shelf

DATA = bytes(range(256)) * 4000
DIGEST = hashlib.sha256(DATA).hexdigest()
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    """Give a server that holds one file."""
    with open_shelf() as shelf:
        shelf.files["/w.pt"] = DATA
        yield shelf


@pytest.fixture
def entry(shelf: Shelf) -> Entry:
    """Give the manifest's row of that file."""
    return Entry("w", "w.pt", url=f"{shelf.url}/w.pt", size_bytes=len(DATA), sha256=DIGEST)


def test_a_file_comes_whole_and_is_told_of(tmp_path: Path, entry: Entry) -> None:
    """What is fetched is the file, nothing is left beside it but the lock, and progress ends at its size."""
    told: list[tuple[int, int | None]] = []
    path = fetch(entry, tmp_path / "new", told=lambda done, total: told.append((done, total)))
    assert path.read_bytes() == DATA
    assert told[-1] == (len(DATA), len(DATA))
    assert {each.name for each in path.parent.iterdir()} <= {"w.pt", ".w.pt.lock"}


def test_a_file_that_is_here_is_not_fetched_again(tmp_path: Path, shelf: Shelf, entry: Entry) -> None:
    """The second call asks the server nothing."""
    fetch(entry, tmp_path)
    fetch(entry, tmp_path)
    assert len(shelf.asked) == 1


def test_a_broken_connection_is_taken_up_where_it_broke(tmp_path: Path, shelf: Shelf, entry: Entry) -> None:
    """Each further try asks for the bytes behind those that came."""
    shelf.troubles = [("break", 300_000), ("status", 503), ("break", 200_000)]
    assert fetch(entry, tmp_path, wait_s=0.001).read_bytes() == DATA
    assert [asked for _, asked in shelf.asked] == [
        None, "bytes=300000-", "bytes=300000-", "bytes=500000-",
    ]  # fmt: skip


def test_a_slow_line_is_not_given_up_while_it_brings_something(
    tmp_path: Path, shelf: Shelf, entry: Entry
) -> None:
    """Only tries in a row that bring nothing count: a line that breaks ever again gets there at last."""
    shelf.troubles = [("break", 100_000)] * 8
    assert fetch(entry, tmp_path, tries=2, wait_s=0.001).read_bytes() == DATA
    assert len(shelf.asked) == 9
    shelf.troubles = [("status", 503)] * 8
    shelf.asked.clear()
    with pytest.raises(WeightsError, match="HTTP 503"):
        fetch(entry, tmp_path / "b", tries=2, wait_s=0.001)
    assert len(shelf.asked) == 2


def test_another_process_goes_on_with_what_one_left(tmp_path: Path, shelf: Shelf, entry: Entry) -> None:
    """A part that was left on the disk is not fetched again."""
    (tmp_path / "w.pt.part").write_bytes(DATA[:700_000])
    assert fetch(entry, tmp_path).read_bytes() == DATA
    assert shelf.asked == [("/w.pt", "bytes=700000-")]


def test_a_server_without_ranges_gives_all_of_it_again(tmp_path: Path, shelf: Shelf, entry: Entry) -> None:
    """Where the answer to a range is the whole file, the part is begun anew."""
    shelf.ranges = False
    shelf.troubles = [("break", 300_000)]
    assert fetch(entry, tmp_path, wait_s=0.001).read_bytes() == DATA


@pytest.mark.parametrize("left", [b"x" * 700_000, b"x" * len(DATA), DATA + b"more"])
def test_a_part_of_another_file_is_thrown_away(
    tmp_path: Path, shelf: Shelf, entry: Entry, left: bytes
) -> None:
    """What an older download left, and does not fit, costs one more try and does no harm."""
    (tmp_path / "w.pt.part").write_bytes(left)
    assert fetch(entry, tmp_path, wait_s=0.001).read_bytes() == DATA


def test_a_whole_part_needs_only_its_name(tmp_path: Path, shelf: Shelf, entry: Entry) -> None:
    """A download that ended just before it was renamed is checked and renamed."""
    (tmp_path / "w.pt.part").write_bytes(DATA)
    assert fetch(entry, tmp_path).read_bytes() == DATA
    assert len(shelf.asked) == 1


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"sha256": "0" * 64}, "sha256"),
        ({"sha256": None, "md5": "0" * 32}, "md5"),
        ({"size_bytes": 7}, "bytes"),
    ],
)
def test_a_wrong_file_is_refused_and_removed(
    tmp_path: Path, entry: Entry, wrong: dict[str, object], message: str
) -> None:
    """A file of another hash or size is an error that says what was expected, and is not left behind."""
    with pytest.raises(WeightsError, match=message):
        fetch(replace(entry, **wrong), tmp_path)  # type: ignore[arg-type]
    assert not list(tmp_path.glob("w.pt*"))


def test_a_missing_file_is_not_asked_for_again(tmp_path: Path, shelf: Shelf, entry: Entry) -> None:
    """404 will not mend itself: one request, and an error that says where to put the file."""
    with pytest.raises(WeightsError, match=r"HTTP 404.*models/"):
        fetch(replace(entry, url=f"{shelf.url}/other.pt"), tmp_path)
    assert len(shelf.asked) == 1


def test_nobody_there_is_an_error_that_says_what_to_do(tmp_path: Path, entry: Entry) -> None:
    """Where nothing listens the tries end, in a sentence."""
    with pytest.raises(WeightsError, match="connect this machine"):
        fetch(replace(entry, url="http://127.0.0.1:9/w.pt"), tmp_path, tries=2, wait_s=0.001)


def test_a_file_without_an_address_cannot_be_fetched(tmp_path: Path) -> None:
    """Where no address is known the error says where to put the file."""
    with pytest.raises(WeightsError, match="no address is known"):
        fetch(Entry("own", "own.pt"), tmp_path)


def test_a_full_disk_is_said_before_the_download(tmp_path: Path, shelf: Shelf, entry: Entry) -> None:
    """A file that is larger than what is free is not begun."""
    with pytest.raises(WeightsError, match="make room"):
        fetch(replace(entry, size_bytes=10**18), tmp_path)
    assert shelf.asked == []


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path, entry: Entry) -> None:
    """A file in place of the folder is said, with what to do."""
    (tmp_path / "file").write_text("")
    with pytest.raises(WeightsError, match="writable"):
        fetch(entry, tmp_path / "file" / "folder")


PROGRAM = """
import sys
from pathlib import Path
from anomaly.weights import Entry, fetch
url, digest, folder = sys.argv[1:]
print(fetch(Entry("w", "w.pt", url=url, sha256=digest), Path(folder), wait_s=0.01).stat().st_size)
"""


def test_two_processes_fetch_it_once(tmp_path: Path, shelf: Shelf, entry: Entry) -> None:
    """Processes that want the same file wait for the first, and none sees half a file."""
    shelf.troubles = [("break", 100_000)]
    command = [sys.executable, "-c", PROGRAM, str(entry.url), DIGEST, str(tmp_path)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [each.communicate(timeout=60)[0].strip() for each in both] == [str(len(DATA))] * 2
    assert [asked for _, asked in shelf.asked] == [None, "bytes=100000-"]


def test_threads_fetch_it_once(tmp_path: Path, shelf: Shelf, entry: Entry) -> None:
    """So do threads of one process."""
    threads = [threading.Thread(target=fetch, args=(entry, tmp_path)) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert (tmp_path / "w.pt").read_bytes() == DATA
    assert len(shelf.asked) == 1


@pytest.fixture
def hub(shelf: Shelf) -> Entry:
    """Give a file of a Hugging Face repository, on the shelf under the hub's path."""
    shelf.files["/org/name/resolve/main/w.pt"] = DATA
    shelf.hub_commit = COMMIT
    return Entry("w", "w.pt", repo="org/name", sha256=DIGEST)


def test_a_repository_is_fetched_by_its_own_library(tmp_path: Path, shelf: Shelf, hub: Entry) -> None:
    """A file of a Hugging Face repository comes through huggingface_hub, and is checked as any other."""
    assert fetch(hub, tmp_path, hub=shelf.url) == tmp_path / "w.pt"
    assert (tmp_path / "w.pt").read_bytes() == DATA
    with pytest.raises(WeightsError, match="sha256"):
        fetch(replace(hub, sha256="0" * 64), tmp_path / "b", hub=shelf.url)
    assert not (tmp_path / "b" / "w.pt").exists()


def test_a_gated_repository_says_how_to_get_in(tmp_path: Path, shelf: Shelf, hub: Entry) -> None:
    """Without the licence accepted the error names the page and HF_TOKEN."""
    shelf.gated = True
    with pytest.raises(WeightsError, match=r"gated.*huggingface.co/org/name.*HF_TOKEN"):
        fetch(hub, tmp_path, hub=shelf.url)
