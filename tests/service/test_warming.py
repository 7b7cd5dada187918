"""The first batches: each is run once, the largest first, and what does not fit is left out."""

import io
import logging

import pytest
from rich.console import Console

from anomaly.errors import ModelError, OutOfMemory
from anomaly.service.warming import warm


def console(*, terminal: bool) -> Console:
    """Return a console that writes into a text."""
    return Console(file=io.StringIO(), force_terminal=terminal, width=100)


def test_every_batch_is_run_once_the_largest_first() -> None:
    """Memory for the largest is taken first and serves the others."""
    sizes: list[int] = []
    assert warm(sizes.append, (1, 2, 4, 7, 4), console(terminal=False)) == 7
    assert sizes == [7, 4, 2, 1]


def test_a_terminal_shows_a_bar_and_a_log_lines(caplog: pytest.LogCaptureFixture) -> None:
    """On a terminal a bar tells how far it is; nothing is drawn elsewhere, where the log tells it."""
    for terminal in (True, False):
        shown = console(terminal=terminal)
        with caplog.at_level(logging.INFO):
            warm(lambda size: None, (1, 2, 4), shown)
        assert isinstance(shown.file, io.StringIO)
        assert ("Warming up" in shown.file.getvalue()) is terminal
    assert caplog.text.count("warm for 4 photos") == 2


def test_a_batch_that_does_not_fit_is_left_out() -> None:
    """Out of memory at a batch, the next smaller one is the largest."""

    def run(size: int) -> None:
        if size > 2:
            raise OutOfMemory("too many")

    assert warm(run, (1, 2, 4, 8), console(terminal=False)) == 2


@pytest.mark.parametrize(("most", "error"), [(0, OutOfMemory("too many")), (9, ModelError("broken"))])
def test_what_cannot_run_at_all_is_an_error(most: int, error: Exception) -> None:
    """Where not even one photograph fits, or the model fails, the start fails."""

    def run(size: int) -> None:
        if size > most or isinstance(error, ModelError):
            raise error

    with pytest.raises(type(error)):
        warm(run, (1, 2), console(terminal=False))
