"""Faults written as text, for the command line: `job-done:3:drop`, `job-take:2:hang:10`, `job-done=0.3`."""

import signal
from collections.abc import Callable, Sequence

from anomaly.errors import ConfigurationError
from anomaly.simulator.faults import (
    ANY,
    CLIENT_OPERATIONS,
    WORKER_OPERATIONS,
    Drop,
    Duplicate,
    Fault,
    FaultPlan,
    Hang,
    Late,
    Refuse,
    Signal,
)

KNOWN: dict[str, Callable[[float], Fault]] = {
    "drop": lambda wait_s: Drop(),
    "drop-after": lambda wait_s: Drop(after=True),
    "hang": lambda wait_s: Hang(wait_s),
    "hang-after": lambda wait_s: Hang(wait_s, after=True),
    "late": lambda wait_s: Late(wait_s),
    "duplicate": lambda wait_s: Duplicate(),
    "term": lambda wait_s: Signal(signal.SIGTERM, wait_s),
    "kill": lambda wait_s: Signal(signal.SIGKILL, wait_s),
}
"""The words for faults, beside an HTTP status from 400 to 599; the number of seconds is theirs to use."""


def plan(scripted: Sequence[str], rates: Sequence[str], seed: int) -> FaultPlan:
    """Return the plan that these say: `OPERATION:NUMBER:FAULT[:SECONDS]` and `OPERATION=RATE` (0..1).

    Raises `ConfigurationError` that shows what was expected.
    """
    return FaultPlan(dict(map(_scripted, scripted)), dict(map(_rate, rates)), seed=seed)


def _scripted(text: str) -> tuple[tuple[str, int], Fault]:
    parts = text.split(":")
    try:
        operation, number, word, wait_s = [*parts, "1"] if len(parts) == 3 else parts
        if int(number) < 1 or float(wait_s) < 0:
            raise ValueError
        if word.isdigit():
            if not 400 <= int(word) <= 599:
                raise ValueError
            return (_operation(operation), int(number)), Refuse(int(word))
        return (_operation(operation), int(number)), KNOWN[word](float(wait_s))
    except (ValueError, KeyError):
        raise ConfigurationError(
            f"cannot read the fault {text!r}; expected OPERATION:NUMBER:FAULT[:SECONDS], "
            f"as in job-done:3:drop (an HTTP status (400 to 599) or one of {', '.join(KNOWN)} for FAULT)"
        ) from None


def _rate(text: str) -> tuple[str, float]:
    operation, _, rate = text.partition("=")
    try:
        if not 0 <= float(rate) <= 1:
            raise ValueError
        return _operation(operation), float(rate)
    except ValueError:
        raise ConfigurationError(
            f"cannot read the rate {text!r}; expected OPERATION=RATE, the rate from 0 to 1, as in ping=0.3"
        ) from None


def _operation(word: str) -> str:
    operations = (*WORKER_OPERATIONS, *CLIENT_OPERATIONS, ANY)
    if word not in operations:
        raise ConfigurationError(f"there is no operation {word!r}; expected one of {', '.join(operations)}")
    return word
