"""What has been asked of the simulator: the count that faults go by, and a record that tests read."""

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass

from anomaly.simulator.faults import WORKER_OPERATIONS, Fault

KEPT = 20_000
"""As many calls are remembered; the oldest go first."""


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request. `number` counts from 1 per operation; the ids are those in its path."""

    operation: str
    number: int
    worker_id: str | None = None
    job_id: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """A call that is over. `status` is None where it got no answer; times are the clock's seconds."""

    call: Call
    fault: Fault | None
    status: int | None
    began_at: float
    ended_at: float


class CallLog:
    """Every call, in the order in which they ended."""

    def __init__(self) -> None:
        self._numbers: Counter[str] = Counter()
        self._records: deque[Record] = deque(maxlen=KEPT)

    def __iter__(self) -> Iterator[Record]:
        return iter(tuple(self._records))

    def number(self, path: str) -> Call:
        """Return the call that a request to `path` (/v2/ENDPOINT/OPERATION/...) is, and count it."""
        _, _, _, operation, *ids = [*path.split("/"), "", "", ""][:6]
        self._numbers[operation] += 1
        first, second = (part or None for part in [*ids, "", ""][:2])
        worker_id, job_id = (first, second) if operation in WORKER_OPERATIONS else (None, first)
        return Call(operation, self._numbers[operation], worker_id, job_id)

    def add(self, record: Record) -> None:
        """Keep the record of a call that is over."""
        self._records.append(record)

    def restart(self) -> None:
        """Count from 1 again and forget what was."""
        self._numbers.clear()
        self._records.clear()

    def of(self, operation: str) -> list[Record]:
        """Return the records of one operation."""
        return [record for record in self if record.call.operation == operation]
