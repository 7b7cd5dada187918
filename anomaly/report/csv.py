"""Findings as CSV (RFC 4180, UTF-8): one line for each defect, below a line with the names of the columns."""

import csv
import io
from collections.abc import Iterable

from anomaly.report.row import COLUMNS, Value, rows
from anomaly.types import Findings

MEDIA_TYPE = "text/csv; charset=utf-8; header=present"
"""What an HTTP answer of it is called (RFC 7111)."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write(findings: Iterable[Findings], *, header: bool = True) -> str:
    """Return all defects of these photographs, in order; a photograph without one has no line.

    The columns are `anomaly.report.row.COLUMNS`; what is not known is left empty. A text that a spreadsheet
    would run as a formula gets an apostrophe in front (OWASP, "CSV Injection"). `header=False` leaves the
    first line out, for adding to a file.
    """
    out = io.StringIO()
    table = csv.DictWriter(out, COLUMNS)
    if header:
        table.writeheader()
    for each in findings:
        table.writerows({name: _cell(value) for name, value in row.items()} for row in rows(each))
    return out.getvalue()


def _cell(value: Value) -> Value:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
