"""Which workers there are and how they are, by what has been heard of them. No processes, no HTTP."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Presence:
    """One worker. It is ready once it has asked for a job; `unhealthy` is what it said of itself."""

    heard_at: float
    ready: bool = False
    unhealthy: str | None = None


class Roster:
    """The workers of one endpoint; one that has been silent for `silent_after_s` is no longer counted."""

    def __init__(self, clock: Callable[[], float], silent_after_s: float) -> None:
        self._clock = clock
        self._silent_after_s = silent_after_s
        self._workers: dict[str, Presence] = {}

    def started(self, worker_id: str) -> None:
        """Note a process that has yet to say something."""
        self._workers[worker_id] = Presence(self._clock())

    def heard(self, worker_id: str, *, ready: bool = False, unhealthy: str | None = None) -> None:
        """Note a call of this worker; `ready` where it asks for a job."""
        now = self._clock()
        known = self._workers.get(worker_id, Presence(now))
        self._workers[worker_id] = replace(
            known, heard_at=now, ready=known.ready or ready, unhealthy=unhealthy or known.unhealthy
        )

    def gone(self, worker_id: str) -> None:
        """Forget a worker whose process has ended."""
        self._workers.pop(worker_id, None)

    def presence(self, worker_id: str) -> Presence | None:
        """Return what is known of a worker."""
        return self._workers.get(worker_id)

    def counts(self, busy: Collection[str]) -> dict[str, int]:
        """Return the `workers` of /health; `busy` are the ids of those with a job in progress.

        `idle` and `ready` are the same workers, as observed on the platform; nothing here is ever throttled.
        """
        now = self._clock()
        alive = {name: p for name, p in self._workers.items() if now < p.heard_at + self._silent_after_s}
        unhealthy = {name for name, p in alive.items() if p.unhealthy}
        running = {name for name in alive if name in busy} - unhealthy
        idle = {name for name, p in alive.items() if p.ready} - unhealthy - running
        return {
            "idle": len(idle),
            "initializing": len(alive.keys() - unhealthy - running - idle),
            "ready": len(idle),
            "running": len(running),
            "throttled": 0,
            "unhealthy": len(unhealthy),
        }
