"""A run of many photographs goes on from where it stopped."""

import threading
from pathlib import Path

import orjson
import pytest

from anomaly.client import Client, Failed, JournalMismatch, Sizes
from anomaly.simulator import Simulator
from tests.client.conftest import QUICK
from tests.client.many import widths
from tests.pictures import encoded, gradient

pytestmark = pytest.mark.xdist_group("client")


def test_a_journal_keeps_what_is_done(
    sim: Simulator, endpoint: Client, photos: list[Path], tmp_path: Path
) -> None:
    """Another run with the same journal sends only what is new, and its result is whole."""
    journal = tmp_path / "run.jsonl"
    first = endpoint.map(photos[:6], journal=journal)
    sent = len(sim.calls.of("run"))
    again = endpoint.map(photos[:6], journal=journal)
    assert len(sim.calls.of("run")) == sent
    assert again.json == first.json
    whole = endpoint.map(photos, journal=journal)
    assert widths(whole.results) == list(range(64, 74))
    assert len(sim.calls.of("run")) == sent + 1


def test_a_run_goes_on_after_a_crash(sim: Simulator, photos: list[Path], tmp_path: Path) -> None:
    """What a first run had answered is not asked again; a line that broke off is."""
    journal = tmp_path / "run.jsonl"
    with Client(sim.url, sim.api_key, sizes=Sizes(photos=2), **QUICK) as client:
        run = client.imap(photos, journal=journal, in_flight=1)
        for _ in range(4):
            next(run)
        run.close()
        with journal.open("rb+") as file:
            file.truncate(file.seek(0, 2) - 20)
        told: list[tuple[int, int]] = []
        results = list(client.imap(photos, journal=journal, told=lambda *each: told.append(each)))
    assert widths(results) == list(range(64, 74))
    assert told[0][0] >= 3
    assert told[-1] == (10, 10)


def test_a_job_of_a_run_that_crashed_is_asked_after(
    sim: Simulator, photos: list[Path], tmp_path: Path
) -> None:
    """A job that was handed in before the crash is not handed in again: its result is fetched."""
    journal = tmp_path / "run.jsonl"
    with Client(sim.url, sim.api_key, **QUICK) as client:
        client.map(photos[:3], journal=journal)
        lines = journal.read_bytes().splitlines(keepends=True)
        kept = [line for line in lines if "key" not in orjson.loads(line)]
        assert len(kept) == len(lines) - 3
        journal.write_bytes(b"".join(kept))
        sent = len(sim.calls.of("run"))
        assert widths(client.map(photos[:3], journal=journal).results) == [64, 65, 66]
    assert len(sim.calls.of("run")) == sent


def test_a_photo_that_has_changed_is_sent_again(pod: Client, photos: list[Path], tmp_path: Path) -> None:
    """A file is known by its size and time too, so that a new photograph under an old name is looked at."""
    journal = tmp_path / "run.jsonl"
    pod.map(photos[:1], journal=journal)
    photos[0].write_bytes(encoded(gradient(200, 48), "JPEG"))
    assert widths(pod.map(photos[:1], journal=journal).results) == [200]


def test_a_failure_of_the_platform_is_tried_again_by_the_next_run(photos: list[Path], tmp_path: Path) -> None:
    """What a photograph is not to blame for is not written down as its result."""
    journal = tmp_path / "run.jsonl"
    with Simulator() as sim, Client(sim.url, sim.api_key, **QUICK) as client:

        def give_up() -> None:
            for count in (1, 2):
                sim.wait_until(lambda count=count: len(sim.calls.of("run")) == count)  # type: ignore[misc]
                sim.advance(86_400)

        thread = threading.Thread(target=give_up)
        thread.start()
        [result] = client.imap(photos[:1], journal=journal)
        thread.join()
        assert isinstance(result, Failed)
        assert result.code in ("job_timed_out", "job_lost")
    assert b'"key"' not in journal.read_bytes()


def test_a_journal_of_other_options_is_refused(pod: Client, photos: list[Path], tmp_path: Path) -> None:
    """Results of different options are not mixed, and what is no journal is not written over."""
    journal = tmp_path / "run.jsonl"
    pod.map(photos[:1], journal=journal, confidence_threshold=0.5)
    with pytest.raises(JournalMismatch, match=r'options \{"confidence_threshold":0.5\}'):
        pod.map(photos[:1], journal=journal)
    other = tmp_path / "notes.txt"
    other.write_text("buy milk\n")
    with pytest.raises(JournalMismatch, match="is no journal"):
        pod.map(photos[:1], journal=other)
    assert other.read_text() == "buy milk\n"


def test_two_runs_do_not_share_a_journal(pod: Client, photos: list[Path], tmp_path: Path) -> None:
    """The second is told that the file is in use."""
    run = pod.imap(photos, journal=tmp_path / "run.jsonl")
    next(run)
    with pytest.raises(JournalMismatch, match="in use"):
        pod.map(photos, journal=tmp_path / "run.jsonl")
    run.close()
