"""What carries a line on: dots ahead of a thin tip, and a stub beyond a fork."""

import numpy as np
import pytest

from anomaly.geometry import measure


def test_a_tail_of_dots_belongs_to_the_line_that_tapers_into_it() -> None:
    """A crack that thins out into single pixels is one line, as long as the row of dots reaches."""
    mask = np.zeros((40, 300), np.bool_)
    x = np.arange(300)
    for row in range(40):
        mask[row, 10:220] = np.abs(row - 20) <= np.interp(x[10:220], (10, 200), (4, 0.5))
    for start in (224, 231, 239, 248):
        mask[20, start : start + 3] = True
    mask[35, 260] = True  # a speck far beside it is none of it
    found = measure(mask)
    assert found.branches == 1
    assert found.length_pixels == pytest.approx(251 - 10, abs=2.5)
    assert found.centre_lines[0][:, 0].max() == pytest.approx(251, abs=1)


def test_a_gap_between_two_lines_is_not_closed() -> None:
    """Parts that are lines of their own are measured one by one, however near."""
    mask = np.zeros((40, 300), np.bool_)
    mask[20:22, 10:100] = mask[20:22, 106:290] = True
    found = measure(mask)
    assert found.branches == 2
    assert found.length_pixels == pytest.approx(90 + 184, abs=1.5)


def test_a_stub_beyond_a_fork_counts() -> None:
    """Where a branch leaves one and a half widths before a line's flat end, the line still reaches its end."""
    mask = np.zeros((200, 260), np.bool_)
    mask[150:170, 10:200] = True
    mask[20:160, 150:166] = True
    found = measure(mask)
    assert found.branches == 2
    assert found.length_pixels == pytest.approx(190 + 140, rel=0.015)
