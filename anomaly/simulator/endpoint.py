"""What both faces of the simulator work on."""

from collections.abc import Callable
from dataclasses import dataclass

from anomaly.simulator.bell import Bell
from anomaly.simulator.limits import Limits
from anomaly.simulator.queue import JobQueue
from anomaly.simulator.roster import Roster


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint of the platform. `recycle` replaces the worker with this id, where it was started here."""

    limits: Limits
    queue: JobQueue
    roster: Roster
    bell: Bell
    recycle: Callable[[str], None]
