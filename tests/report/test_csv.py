"""The table of defects that a spreadsheet opens."""

import csv
import io

import pytest

from anomaly.report.csv import write
from anomaly.report.row import COLUMNS
from anomaly.types import Options
from anomaly.wire.answer import detect_response
from tests.report.findings import bare, full, nothing


def parsed(text: str) -> list[dict[str, str]]:
    """Return the lines of a CSV by the names in its first."""
    return list(csv.DictReader(io.StringIO(text)))


def test_each_defect_has_a_line() -> None:
    """The lines are the defects of all photographs in order, below the names."""
    text = write([full(), nothing(), bare()])
    assert text.splitlines()[0] == ",".join(COLUMNS)
    assert [(each["frame_id"], each["defect_type"]) for each in parsed(text)] == [
        ("left.jpg", "crack"),
        ("right.jpg", "corrosion"),
    ]


def test_the_numbers_are_those_of_the_answer() -> None:
    """Whatever the JSON answer says of a defect stands in the table as it stands there."""
    [line] = parsed(write([full()]))
    [told] = detect_response(full(), Options(), 0.0)["anomalies"]
    assert told["geometry"] is not None
    geometry = dict(told["geometry"])
    width_class = geometry.pop("width_class")
    geometry.pop("width_source")
    assert isinstance(width_class, dict)
    for name, value in {**geometry, **told["bbox"]}.items():
        assert line[name] == ("" if value is None else str(value)), name
    assert line["confidence_combined"] == str(told["confidence"]["combined"])
    assert (line["width_class"], line["standard"]) == (width_class["name"], "EC2")
    assert line["orientation_degrees"] == "0.0"


def test_what_is_unknown_is_empty() -> None:
    """A defect without geometry has empty cells, not zeros."""
    [line] = parsed(write([bare()]))
    assert (line["area_pixels"], line["width_mm"], line["confidence_segmentation"]) == ("", "", "")
    assert line["confidence_combined"] == "0.5"


def test_nothing_found_is_a_table_without_lines() -> None:
    """The names of the columns are there even so."""
    assert write([nothing()]) == ",".join(COLUMNS) + "\r\n"
    assert write([nothing()], header=False) == ""


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx"])
def test_a_name_is_never_a_formula(name: str) -> None:
    """A frame id that a spreadsheet would run is quoted with an apostrophe."""
    assert parsed(write([bare(name)]))[0]["frame_id"] == f"'{name}"


def test_commas_and_quotes_survive() -> None:
    """A name with the table's own signs is read back as it was."""
    assert parsed(write([bare('pier 3, "north"\nside')]))[0]["frame_id"] == 'pier 3, "north"\nside'
