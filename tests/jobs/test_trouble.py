import sqlite3
from pathlib import Path
from typing import Any

import pytest

from anomaly.errors import QueueFull
from anomaly.jobs import Job, Jobs, State, Store, parse
from tests.jobs.test_queue import ASKED, echo, with_jobs


class Full(Store):
    """A store whose disk is full for the first few times."""

    def __init__(self, times: int) -> None:
        super().__init__(None)
        self.left = times

    def end(self, *args: Any) -> bool:
        """Fail, then do."""
        self.left -= 1
        if self.left >= 0:
            raise sqlite3.OperationalError("database or disk is full")
        return super().end(*args)


def test_an_end_that_cannot_be_kept_is_kept_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk costs time, and no job is left running for ever."""
    monkeypatch.setattr("anomaly.jobs.queue.TROUBLE_S", 0.01)

    async def story(jobs: Jobs) -> Job | None:
        return await jobs.wait((await jobs.submit(ASKED)).id, 5)

    assert with_jobs(echo, story, Full(2)).state is State.COMPLETED


def test_a_full_disk_takes_no_job_and_what_is_kept_stays(tmp_path: Path) -> None:
    """Who hands one in is told to come again; the queue goes on."""
    store = Store(tmp_path / "jobs.sqlite3")
    pages = store._db.execute("PRAGMA page_count").fetchone()[0]
    store._db.execute(f"PRAGMA max_page_count = {pages + 2}")

    async def story(jobs: Jobs) -> Job | None:
        with pytest.raises(QueueFull, match="kept now"):
            await jobs.submit(parse({"input": {"image": "A" * 100_000}}))
        return await jobs.wait((await jobs.submit(ASKED)).id, 5)

    assert with_jobs(echo, story, store).state is State.COMPLETED
