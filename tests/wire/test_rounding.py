import numpy as np
import orjson
import pytest

from anomaly.wire.rounding import rounded, rounded_or_none


@pytest.mark.parametrize(
    ("value", "digits", "expected"),
    [
        (0.125, 2, 0.13),
        (12.344999, 2, 12.34),
        (-0.004, 2, 0.0),
        (-1.237, 2, -1.24),
        (7.0, 4, 7.0),
        (0.99996, 4, 1.0),
    ],
)
def test_a_number_is_rounded_to_its_digits(value: float, digits: int, expected: float) -> None:
    """Half a unit goes up."""
    assert rounded(value, digits) == expected


def test_what_is_rounded_is_pythons_own_number() -> None:
    """A number of numpy's comes out as one that every JSON writer knows, and nothing stays nothing."""
    assert type(rounded(np.float32(1.257), 2)) is float
    assert rounded_or_none(None, 2) is None
    assert rounded_or_none(1.2345, 3) == 1.235


def test_rounded_numbers_are_written_as_short_as_they_are() -> None:
    """No digits of binary fractions trail behind, over the range of pixels in a large photograph."""
    for value in np.random.default_rng(0).uniform(0, 20_000, 2000).tolist():
        assert len(orjson.dumps(rounded(value, 2)).partition(b".")[2]) <= 2
