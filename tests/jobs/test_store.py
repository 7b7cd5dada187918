import os
from pathlib import Path

import pytest

from anomaly.errors import ConfigurationError
from anomaly.jobs import Ended, Job, State, Store
from anomaly.jobs.job import MOST_TRIES
from anomaly.jobs.store import CLAIM_S


def job(name: str, queued_at: float = 0.0) -> Job:
    """Return a job that waits."""
    return Job(name, State.IN_QUEUE, b'{"input":{"image":"A"}}', queued_at, queued_at + 100)


def add(store: Store, name: str, *, low_priority: bool = False, webhook: str | None = None) -> None:
    """Keep a job."""
    store.add(job(name), low_priority=low_priority, webhook=webhook)


def test_jobs_are_taken_in_turn_and_patient_ones_last() -> None:
    """First come, first served; low priority stands back."""
    store = Store(None)
    add(store, "patient", low_priority=True)
    add(store, "first")
    add(store, "second")
    taken = [store.take(1.0) for _ in range(4)]
    assert [each and each.id for each in taken] == ["first", "second", "patient", None]
    assert taken[0] is not None
    assert (taken[0].state, taken[0].started_at, taken[0].tries) == (State.IN_PROGRESS, 1.0, 1)


def test_a_job_ends_once() -> None:
    """The first end counts; what was handed in is dropped with it."""
    store = Store(None)
    add(store, "a")
    assert store.end("a", State.CANCELLED, Ended(), 2.0, 10)
    assert not store.end("a", State.COMPLETED, Ended(b"{}"), 3.0, 10)
    ended = store.get("a")
    assert ended is not None
    assert (ended.state, ended.output, ended.submission) == (State.CANCELLED, None, b"")


def test_a_restart_finds_every_job(tmp_path: Path) -> None:
    """What waited still waits, what ran is queued again, what ended is still told."""
    store = Store(tmp_path / "new" / "jobs.sqlite3")
    for name in ("done", "running", "waiting"):
        add(store, name)
    store.take(1.0)
    store.end("done", State.COMPLETED, Ended(b'{"a":1}'), 2.0, 100)
    store.take(1.0)
    store.add_chunk("running", b"{}")
    store.close()

    store = Store(tmp_path / "new" / "jobs.sqlite3")
    store.recover(5.0, 60)
    found = {name: store.get(name) for name in ("done", "running", "waiting")}
    assert [each and str(each.state) for each in found.values()] == ["COMPLETED", "IN_QUEUE", "IN_QUEUE"]
    assert found["done"] is not None
    assert found["done"].output == b'{"a":1}'
    assert store.drain("running") == []
    taken = store.take(3.0)
    assert taken is not None
    assert (taken.id, taken.tries, taken.view()["retries"]) == ("running", 2, 1)
    store.close()


def test_a_job_that_takes_the_server_down_each_time_fails(tmp_path: Path) -> None:
    """It may be the reason, so it does not run for ever."""
    path = tmp_path / "jobs.sqlite3"
    store = Store(path)
    add(store, "bad", webhook="https://example.com")
    for _ in range(MOST_TRIES):
        assert store.take(1.0) is not None
        store.close()
        store = Store(path)
        store.recover(5.0, 60)
    bad = store.get("bad")
    assert bad is not None
    assert bad.state is State.FAILED
    assert "went down" in str(bad.error)
    due = store.due_webhook(5.0)
    assert due is not None
    assert due.job.id == "bad"
    store.close()


def test_a_server_that_stops_in_order_costs_no_try() -> None:
    """A released job waits as if it had never run."""
    store = Store(None)
    add(store, "a")
    store.take(1.0)
    store.release("a", 2.0)
    again = store.take(2.0)
    assert again is not None
    assert again.tries == 1


@pytest.mark.parametrize("how", ["killed", "stopped"])
def test_a_job_that_had_its_turn_is_not_timed_out_by_a_restart(how: str) -> None:
    """Its ttl was for the time before it; it begins anew."""
    store = Store(None)
    add(store, "a")
    store.take(99.0)
    if how == "killed":
        store.recover(200.0, 60)
    else:
        store.release("a", 200.0)
    assert store.expire(299.0, keep_s=10) == []
    assert store.expire(301.0, keep_s=10) == ["a"]


def test_what_took_the_server_down_can_be_asked_for() -> None:
    """Its failure is kept as long as any other."""
    store = Store(None)
    add(store, "bad")
    for _ in range(MOST_TRIES):
        store.take(1.0)
        store.recover(500.0, 60)
    store.expire(550.0, keep_s=60)
    assert store.get("bad") is not None
    store.expire(561.0, keep_s=60)
    assert store.get("bad") is None


def test_only_failed_and_timed_out_jobs_are_run_again() -> None:
    """A retry starts anew; anything else stays as it is."""
    store = Store(None)
    add(store, "bad")
    add(store, "good")
    store.end("bad", State.FAILED, Ended(error="no"), 1.0, 10)
    store.end("good", State.COMPLETED, Ended(b"1"), 1.0, 10)
    assert store.retry("bad", 2.0, 100)
    assert not store.retry("good", 2.0, 100)
    again = store.get("bad", whole=True)
    assert again is not None
    assert (again.state, again.error, again.asked()["input"]) == (State.IN_QUEUE, None, {"image": "A"})


def test_inputs_of_failed_jobs_are_dropped_in_time(tmp_path: Path) -> None:
    """What nobody may retry any more is on the disk no more; a younger job's and a waiting one's still are."""
    store = Store(tmp_path / "jobs.sqlite3")
    sent = {
        name: f'{{"input":{{"image":"{name * 9000}"}}}}'.encode() for name in ("old", "new", "done", "waits")
    }
    for name, submission in sent.items():
        store.add(Job(name, State.IN_QUEUE, submission, 0.0, 100.0), low_priority=False, webhook=None)
    store.end("old", State.FAILED, Ended(error="no"), 10.0, 100)
    store.end("new", State.TIMED_OUT, Ended(error="no"), 20.0, 100)
    store.end("done", State.COMPLETED, Ended(b"1"), 20.0, 100)
    store.drop_inputs(15.0)
    written = b"".join(each.read_bytes() for each in tmp_path.iterdir())
    assert [name * 100 in written.decode("latin-1") for name in sent] == [False, True, False, True]
    whole = {name: store.get(name, whole=True) for name in sent}
    assert [each and each.submission for each in whole.values()] == [b"", sent["new"], b"", sent["waits"]]
    assert whole["old"] is not None
    assert whole["old"].error == "no"


def test_what_waits_too_long_times_out_and_what_ended_is_forgotten() -> None:
    """Waiting ends with the ttl; results expire; an untold webhook holds its job back."""
    store = Store(None)
    add(store, "late")
    add(store, "told", webhook="https://example.com")
    store.end("told", State.COMPLETED, Ended(b"1"), 0.0, 50)
    assert store.expire(101.0, keep_s=10) == ["late"]
    late = store.get("late")
    assert late is not None
    assert late.state is State.TIMED_OUT
    assert store.expire(200.0, keep_s=10) == []
    assert store.get("late") is None
    assert store.get("told") is not None
    due = store.due_webhook(200.0)
    assert due is not None
    store.webhook_tried(due, None)
    store.expire(200.0, keep_s=10)
    assert store.get("told") is None


def test_a_webhook_is_one_postmans_until_it_was_gone_too_long() -> None:
    """Nobody tells it twice; a server that went down with it leaves it to the next."""
    store = Store(None)
    add(store, "a", webhook="https://example.com")
    store.end("a", State.COMPLETED, Ended(b"1"), 0.0, 50)
    first = store.due_webhook(1.0)
    assert first is not None
    assert store.due_webhook(2.0) is None
    again = store.due_webhook(1.0 + CLAIM_S)
    assert again is not None
    assert (first.tries, again.tries) == (1, 2)


def test_a_webhook_of_an_earlier_run_does_not_silence_the_next_one() -> None:
    """A failure that is being told while the job is run again changes nothing of what comes."""
    store = Store(None)
    add(store, "a", webhook="https://example.com")
    store.end("a", State.FAILED, Ended(error="no"), 0.0, 50)
    failure = store.due_webhook(1.0)
    assert failure is not None
    assert store.retry("a", 2.0, 100)
    store.webhook_tried(failure, 10.0)
    assert store.next_webhook_at() is None
    store.end("a", State.COMPLETED, Ended(b"1"), 3.0, 50)
    store.webhook_tried(failure, None)
    success = store.due_webhook(4.0)
    assert success is not None
    assert (success.job.state, success.tries) == (State.COMPLETED, 1)


def test_a_retry_of_a_job_that_runs_leaves_its_stream_alone() -> None:
    """Its chunks are still to be read."""
    store = Store(None)
    add(store, "a")
    store.take(1.0)
    store.add_chunk("a", b"1")
    assert not store.retry("a", 2.0, 100)
    assert store.drain("a") == [b"1"]


def test_chunks_are_read_once_and_in_order() -> None:
    """A stream gives each chunk to one reader."""
    store = Store(None)
    add(store, "a")
    store.add_chunk("a", b"1")
    store.add_chunk("a", b"2")
    assert list(store.drain("a")) == [b"1", b"2"]
    assert list(store.drain("a")) == []


def test_two_servers_do_not_share_a_file(tmp_path: Path) -> None:
    """Both would run each job."""
    first = Store(tmp_path / "jobs.sqlite3")
    with pytest.raises(ConfigurationError, match="STATE_PATH"):
        Store(tmp_path / "jobs.sqlite3")
    first.close()


def test_nobody_else_may_read_the_file(tmp_path: Path) -> None:
    """It holds photographs, and keys of buckets."""
    store = Store(tmp_path / "jobs.sqlite3")
    add(store, "a")
    modes = {oct(os.stat(each).st_mode & 0o777) for each in tmp_path.iterdir()}
    store.close()
    assert modes == {"0o600"}
