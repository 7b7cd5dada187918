"""Numbers as they are answered, by so many digits after the point.

`round` goes by way of text, which for twenty boxes takes longer than all else that is written of them.
"""

_PARTS = tuple(10.0**digits for digits in range(9))


def rounded(value: float, digits: int) -> float:
    """Return `value`, half a unit up, as Python's own float: not every JSON writer knows numpy's."""
    parts = _PARTS[digits]
    return (float(value) * parts + 0.5) // 1.0 / parts


def rounded_or_none(value: float | None, digits: int) -> float | None:
    """Return `value` rounded, None where there is none."""
    return None if value is None else rounded(value, digits)
