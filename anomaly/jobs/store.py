"""The jobs in SQLite: a restart finds them as they were."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from anomaly.errors import ConfigurationError
from anomaly.jobs.job import MOST_TRIES, Ended, Job
from anomaly.jobs.schema import SCHEMA
from anomaly.types import JobState as State

_ROW = "id, state, submission, queued_at, expires_at, started_at, ended_at, output, error, tries"
_BRIEF = _ROW.replace("submission", "x''")
_AGAIN = "state = 'IN_QUEUE', output = NULL, expires_at = ? + (expires_at - queued_at)"
_FINAL = ", ".join(repr(str(state)) for state in State if state.final)


CLAIM_S = 60.0
"""So long a webhook that is being delivered is nobody else's."""


@dataclass(frozen=True, slots=True)
class Due:
    """An ended job to be told to `url`, for the `tries`-th time."""

    job: Job
    url: str
    tries: int
    claim: float


class Store:
    """One file, one server. Blocks for as long as the disk takes; call it from one thread at a time.

    `path` None keeps the jobs in memory, where a restart loses them. Raises `ConfigurationError` where the
    file cannot be had, or another server has it.
    """

    def __init__(self, path: Path | None) -> None:
        try:
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch(mode=0o600)  # photographs, and keys of buckets
            self._db = sqlite3.connect(
                path or ":memory:", isolation_level=None, check_same_thread=False, timeout=1.0
            )
            # For as long as the process lives no other one opens the file: two servers would run each job.
            self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute(
                "PRAGMA secure_delete=ON"
            )  # what is dropped is overwritten, not left in the file
            self._db.executescript(SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise ConfigurationError(
                f"the jobs cannot be kept in {path} ({error}); set STATE_PATH to a folder of this server alone"
            ) from None

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def recover(self, now: float, keep_s: float) -> None:
        """Put what ran when the server went down back into the queue, or fail it after `MOST_TRIES`.

        Its ttl begins anew: it had its turn in time.
        """
        with self._db:
            self._db.execute(
                "UPDATE jobs SET state = 'FAILED', ended_at = started_at, expires_at = ?,"
                " webhook_at = CASE WHEN webhook IS NULL THEN NULL ELSE started_at END,"
                f" error = 'the server went down {MOST_TRIES} times while this job ran'"
                " WHERE state = 'IN_PROGRESS' AND tries >= ?",
                (now + keep_s, MOST_TRIES),
            )
            self._db.execute(f"UPDATE jobs SET {_AGAIN} WHERE state = 'IN_PROGRESS'", (now,))
            self._db.execute("DELETE FROM chunks WHERE job IN (SELECT id FROM jobs WHERE state = 'IN_QUEUE')")

    def add(self, job: Job, *, low_priority: bool, webhook: str | None) -> None:
        """Keep a new job; one whose id is here already stays as it is."""
        self._db.execute(
            "INSERT INTO jobs (id, state, submission, low_priority, queued_at, expires_at, webhook)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
            (job.id, job.state, job.submission, low_priority, job.queued_at, job.expires_at, webhook),
        )

    def get(self, identity: str, *, whole: bool = False) -> Job | None:
        """Return a job, None where there is none or it is no longer kept.

        What was handed in, megabytes perhaps, is read for a `whole` one alone.
        """
        row = _ROW if whole else _BRIEF
        return _job(self._db.execute(f"SELECT {row} FROM jobs WHERE id = ?", (identity,)).fetchone())

    def take(self, now: float) -> Job | None:
        """Return the job whose turn it is, now in progress; None where none waits."""
        return _job(
            self._db.execute(
                "UPDATE jobs SET state = 'IN_PROGRESS', started_at = ?, tries = tries + 1 WHERE number ="
                " (SELECT number FROM jobs WHERE state = 'IN_QUEUE' ORDER BY low_priority, number LIMIT 1)"
                f" RETURNING {_ROW}",
                (now,),
            ).fetchone()
        )

    def release(self, identity: str, now: float, *, counts: bool = False) -> None:
        """Put a job back that did not come to its end because the server stops; the try counts where told."""
        with self._db:
            self._db.execute(
                f"UPDATE jobs SET {_AGAIN}, tries = tries - ? WHERE id = ? AND state = 'IN_PROGRESS'",
                (now, not counts, identity),
            )
            self._db.execute("DELETE FROM chunks WHERE job = ?", (identity,))

    def progress(self, identity: str, output: bytes) -> None:
        """Keep an interim output, which `/status` shows until the result replaces it."""
        self._db.execute(
            "UPDATE jobs SET output = ? WHERE id = ? AND state = 'IN_PROGRESS'", (output, identity)
        )

    def end(self, identity: str, state: State, ended: Ended, now: float, keep_s: float) -> bool:
        """Bring a job to its end and return whether it was not at one already.

        What was handed in is kept only where `/retry` may want it; see `drop_inputs`.
        """
        kept = "submission" if state in (State.FAILED, State.TIMED_OUT) else "x''"
        return bool(
            self._db.execute(
                f"UPDATE jobs SET state = ?, output = ?, error = ?, ended_at = ?, expires_at = ?,"
                f" submission = {kept}, webhook_tries = 0,"
                " webhook_at = CASE WHEN webhook IS NULL THEN NULL ELSE ? END"
                f" WHERE id = ? AND state NOT IN ({_FINAL})",
                (state, ended.output, ended.error, now, now + keep_s, now, identity),
            ).rowcount
        )

    def retry(self, identity: str, now: float, ttl_s: float) -> bool:
        """Queue a failed or timed-out job anew and return whether it was one."""
        again = self._db.execute(
            "UPDATE jobs SET state = 'IN_QUEUE', output = NULL, error = NULL, started_at = NULL,"
            " ended_at = NULL, queued_at = ?, expires_at = ?, tries = 0, webhook_at = NULL"
            " WHERE id = ? AND state IN ('FAILED', 'TIMED_OUT')",
            (now, now + ttl_s, identity),
        ).rowcount
        if again:  # the chunks of one that runs are still to be read
            self._db.execute("DELETE FROM chunks WHERE job = ?", (identity,))
        return bool(again)

    def purge(self, now: float, keep_s: float) -> Sequence[str]:
        """Cancel what waits; return the ids."""
        waiting = [row[0] for row in self._db.execute("SELECT id FROM jobs WHERE state = 'IN_QUEUE'")]
        return [each for each in waiting if self.end(each, State.CANCELLED, Ended(), now, keep_s)]

    def expire(self, now: float, keep_s: float) -> Sequence[str]:
        """Time out what has waited too long, forget what was kept long enough; return the ids timed out."""
        late = [
            row[0]
            for row in self._db.execute(
                "SELECT id FROM jobs WHERE state = 'IN_QUEUE' AND expires_at < ?", (now,)
            )
        ]
        error = Ended(error="the job waited longer than its policy's ttl")
        timed_out = [each for each in late if self.end(each, State.TIMED_OUT, error, now, keep_s)]
        with self._db:
            self._db.execute(
                f"DELETE FROM jobs WHERE state IN ({_FINAL}) AND expires_at < ? AND webhook_at IS NULL",
                (now,),
            )
            self._db.execute("DELETE FROM chunks WHERE job NOT IN (SELECT id FROM jobs)")
        return timed_out

    def drop_inputs(self, ended_before: float) -> None:
        """Drop what was handed in with jobs that ended before a moment: nobody may retry them.

        The file's journal is emptied too, which has what was dropped lately: keys of buckets, photographs.
        """
        self._db.execute(
            "UPDATE jobs SET submission = x'' WHERE state IN ('FAILED', 'TIMED_OUT') AND ended_at < ?"
            " AND length(submission) > 0",
            (ended_before,),
        )
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def counts(self) -> dict[State, int]:
        """Return how many jobs are kept in each state."""
        found = dict(self._db.execute("SELECT state, count(*) FROM jobs GROUP BY state"))
        return {state: int(found.get(str(state), 0)) for state in State}

    def waiting(self) -> int:
        """Return how many jobs wait."""
        return int(self._db.execute("SELECT count(*) FROM jobs WHERE state = 'IN_QUEUE'").fetchone()[0])

    def add_chunk(self, identity: str, body: bytes) -> None:
        """Keep one chunk of a stream."""
        self._db.execute("INSERT INTO chunks (job, body) VALUES (?, ?)", (identity, body))

    def drain(self, identity: str) -> Sequence[bytes]:
        """Return the chunks that nobody has read yet, in order, and forget them."""
        with self._db:
            rows = self._db.execute(
                "SELECT number, body FROM chunks WHERE job = ? ORDER BY number", (identity,)
            ).fetchall()
            if rows:
                self._db.execute("DELETE FROM chunks WHERE job = ? AND number <= ?", (identity, rows[-1][0]))
        return [body for _, body in rows]

    def due_webhook(self, now: float) -> Due | None:
        """Return an ended job whose webhook is due, None where none is; it is the caller's for `CLAIM_S`.

        After that it is due again: the server may have gone down with it.
        """
        row = self._db.execute(
            "UPDATE jobs SET webhook_at = ?, webhook_tries = webhook_tries + 1 WHERE number ="
            " (SELECT number FROM jobs WHERE webhook_at <= ? ORDER BY webhook_at LIMIT 1)"
            f" RETURNING {_BRIEF}, webhook, webhook_tries, webhook_at",
            (now + CLAIM_S, now),
        ).fetchone()
        job = _job(row and row[:-3])
        return None if job is None else Due(job, *row[-3:])

    def next_webhook_at(self) -> float | None:
        """Return when the next try of a webhook is due, None where none is."""
        at: float | None = self._db.execute("SELECT min(webhook_at) FROM jobs").fetchone()[0]
        return at

    def webhook_tried(self, due: Due, next_at: float | None) -> None:
        """Note when the next try is due, None where none is wanted; not where the job ran anew meanwhile."""
        self._db.execute(
            "UPDATE jobs SET webhook_at = ? WHERE id = ? AND webhook_at = ?",
            (next_at, due.job.id, due.claim),
        )


def _job(row: tuple[object, ...] | None) -> Job | None:
    return None if row is None else Job(row[0], State(str(row[1])), *row[2:])  # type: ignore[arg-type]
