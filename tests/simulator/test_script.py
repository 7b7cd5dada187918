import signal

import pytest

from anomaly.errors import ConfigurationError
from anomaly.simulator.faults import Drop, Hang, Late, Refuse, Signal
from anomaly.simulator.script import plan


def test_faults_are_read_from_text() -> None:
    """Words, statuses, seconds, rates and the seed become a plan."""
    read = plan(
        ["job-done:1:drop-after", "job-done:2:503", "job-take:1:hang:7", "run:4:late", "job-take:2:kill:0.5"],
        ["ping=0.25"],
        seed=3,
    )
    assert read.script == {
        ("job-done", 1): Drop(after=True),
        ("job-done", 2): Refuse(503),
        ("job-take", 1): Hang(7),
        ("run", 4): Late(1),
        ("job-take", 2): Signal(signal.SIGKILL, 0.5),
    }
    assert (read.rates, read.seed) == ({"ping": 0.25}, 3)


@pytest.mark.parametrize(
    "text", ["job-done", "job-done:0:drop", "job-done:1:explode", "job-done:1:200", "a:1:2:3:4"]
)
def test_a_fault_that_cannot_be_read_is_refused_with_an_example(text: str) -> None:
    """The message repeats what was given and shows how it is written."""
    with pytest.raises(ConfigurationError, match="job-done:3:drop"):
        plan([text], [], 0)


@pytest.mark.parametrize("text", ["ping", "ping=2", "ping=often"])
def test_a_rate_that_cannot_be_read_is_refused_with_an_example(text: str) -> None:
    """The message shows how a rate is written."""
    with pytest.raises(ConfigurationError, match=r"ping=0\.3"):
        plan([], [text], 0)


@pytest.mark.parametrize(("faults", "rates"), [(["take:1:drop"], []), ([], ["take=0.5"])])
def test_an_unknown_operation_is_refused_with_those_there_are(faults: list[str], rates: list[str]) -> None:
    """The message lists the operations."""
    with pytest.raises(ConfigurationError, match="job-take-batch"):
        plan(faults, rates, 0)
