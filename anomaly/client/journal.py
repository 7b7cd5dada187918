"""What a long run has done so far, line by line in a file, so that another run goes on from there.

JSON lines: a head with the options, then `{"key", "result"}` for each photograph that is done and
`{"job", "keys"}` for each job that was handed in. A line is written at once; one that a crash has cut off is
dropped by the next run. What failed for want of a server is not written down: it is tried again.
"""

import fcntl
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from anomaly.client.errors import JournalMismatch

_VERSION = 1


class Journal:
    """One file, held open and locked by one run."""

    def __init__(self, path: Path, options: Mapping[str, Any]) -> None:
        self._path = path
        self._head = {"journal": _VERSION, "options": dict(options)}
        self._places: dict[str, tuple[int, int]] = {}
        self._jobs: dict[str, list[str]] = {}
        self._file = path.open("a+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._recover()
        except BlockingIOError:
            self._file.close()
            raise JournalMismatch(
                f"{path.name} is in use by another run; wait for it, or name another"
            ) from None
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close and unlock the file."""
        self._file.close()

    def __contains__(self, key: str) -> bool:
        """Return whether a photograph is done."""
        return key in self._places

    def __getitem__(self, key: str) -> Mapping[str, Any]:
        """Return what came of a photograph, as JSON. It is read from the file: a long run holds much."""
        start, length = self._places[key]
        self._file.seek(start)
        result: Mapping[str, Any] = orjson.loads(self._file.read(length))["result"]
        return result

    def done(self, key: str, result: Mapping[str, Any]) -> None:
        """Write down what came of a photograph."""
        self._places[key] = self._add({"key": key, "result": result})

    def handed_in(self, job_id: str, keys: Sequence[str]) -> None:
        """Write down that a job has these photographs, in this order."""
        self._jobs[job_id] = list(keys)
        self._add({"job": job_id, "keys": list(keys)})

    def open_jobs(self) -> dict[str, list[str]]:
        """Return the jobs that were handed in, and of which not every photograph is done."""
        return {job: keys for job, keys in self._jobs.items() if not all(key in self for key in keys)}

    def _add(self, line: Mapping[str, Any]) -> tuple[int, int]:
        start = self._file.seek(0, 2)
        data = orjson.dumps(line) + b"\n"
        self._file.write(data)
        self._file.flush()
        return start, len(data)

    def _recover(self) -> None:
        self._file.seek(0)
        end = 0
        for number, data in enumerate(self._file):
            line = _parsed(data)
            if number == 0 and data and line is None and not data.endswith(b"\n"):
                break  # the head itself was cut off
            if number == 0:
                self._check(line)
            elif line is None:
                break
            else:
                self._take(line, end, len(data))
            end += len(data)
        self._file.truncate(end)
        if end == 0:
            self._add(self._head)

    def _check(self, head: Mapping[str, Any] | None) -> None:
        if head is None or head.get("journal") != _VERSION:
            raise JournalMismatch(f"{self._path.name} is no journal; name a file that is one, or a new one")
        if head["options"] != orjson.loads(orjson.dumps(self._head["options"])):
            raise JournalMismatch(
                f"{self._path.name} was begun with the options {orjson.dumps(head['options']).decode()}; use those,"
                " or name another journal"
            )

    def _take(self, line: Mapping[str, Any], start: int, length: int) -> None:
        if "key" in line:
            self._places[line["key"]] = (start, length)
        elif "job" in line:
            self._jobs[line["job"]] = line["keys"]


def _parsed(data: bytes) -> Mapping[str, Any] | None:
    """Return a line's object, None where it was cut off."""
    if not data.endswith(b"\n"):
        return None
    try:
        line = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    return line if isinstance(line, Mapping) else None
