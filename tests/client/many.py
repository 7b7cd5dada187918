"""Results of many photographs, as one looks at them."""

from anomaly.client.answers import Answer, Result


def widths(results: "list[Result] | tuple[Result, ...]") -> list[int]:
    """Return the width of each photograph as it was answered: 64, 65, ... where all are there in order."""
    return [each.findings.width if isinstance(each, Answer) else 0 for each in results]
