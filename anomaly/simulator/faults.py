"""What can go wrong with a call, and when: by script or by seed. Pure: a plan answers the same every time.

A call is known by its operation (the word in its path: `job-take`, `job-done`, `run`, `status`, ...) and its
number, counted from 1 per operation: what happens to the third job-done does not depend on what else goes on.
"""

import random
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

WORKER_OPERATIONS = ("job-take", "job-take-batch", "job-stop", "job-done", "job-stream", "ping")
CLIENT_OPERATIONS = ("run", "runsync", "status", "stream", "cancel", "retry", "purge-queue", "health")
ANY = "*"
"""As an operation in `rates`: every one that is not named."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer with this status. `after` the call has had its effect, as behind a failing gateway."""

    status: int = 500
    after: bool = False
    retry_after_s: int | None = None


@dataclass(frozen=True, slots=True)
class Drop:
    """Close the connection without an answer; `after` the call has had its effect, or before."""

    after: bool = False


@dataclass(frozen=True, slots=True)
class Hang:
    """Say nothing for `wait_s`, then close the connection; `after` the call has had its effect, or before."""

    wait_s: float = 5.0
    after: bool = False


@dataclass(frozen=True, slots=True)
class Late:
    """The call has its effect at once, its answer comes `wait_s` later."""

    wait_s: float = 1.0


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Deliver the call twice. For job-take: hand the job out twice, the second time to whoever asks next."""


@dataclass(frozen=True, slots=True)
class Signal:
    """Let the call pass, and `wait_s` after its answer send this signal to the worker it concerns.

    SIGTERM goes to the worker's first process, as a container runtime does; SIGKILL to all of its processes.
    """

    number: int = signal.SIGTERM
    wait_s: float = 0.0


Fault: TypeAlias = Refuse | Drop | Hang | Late | Duplicate | Signal

USUAL: tuple[Fault, ...] = (
    Refuse(429, retry_after_s=1),
    Refuse(400),
    Refuse(500),
    Refuse(503, after=True),
    Drop(),
    Drop(after=True),
    Hang(0.5),
    Late(0.2),
    Duplicate(),
)
"""What random faults are drawn from where nothing else is given."""


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """Which call meets which fault.

    `script` maps (operation, number) to a fault. Where it is silent, a call of an operation in `rates` meets
    one with that probability (0..1), drawn evenly from `menu`, by `seed`, operation and number alone.
    """

    script: Mapping[tuple[str, int], Fault] = field(default_factory=dict)
    rates: Mapping[str, float] = field(default_factory=dict)
    menu: Sequence[Fault] = USUAL
    seed: int = 0

    def at(self, operation: str, number: int) -> Fault | None:
        """Return the fault of the `number`-th (1..) call of `operation`, or None."""
        scripted = self.script.get((operation, number))
        rate = self.rates.get(operation, self.rates.get(ANY, 0.0))
        if scripted or not rate or not self.menu:
            return scripted
        dice = random.Random(f"{self.seed}/{operation}/{number}")  # noqa: S311 - to be repeated, not to be secret
        return dice.choice(self.menu) if dice.random() < rate else None
