"""Classes of width by named standards, and the reasons where there is none."""

import tomllib
from pathlib import Path

import pytest

from anomaly.errors import ConfigurationError, InvalidRequest
from anomaly.geometry.standards import Standards, width_class
from anomaly.types import Geometry, Physical

TABLE = tomllib.loads((Path(__file__).parents[2] / "configs" / "standards.toml").read_text())
STANDARDS = Standards.from_table(TABLE)


def crack(
    width_mm: float | None, pm: float = 0.02, width_pixels: float | None = 6.0
) -> tuple[Geometry, Physical]:
    """A crack of a width, and the rest of no matter."""
    geometry = Geometry(600, 100.0, width_pixels, 0.0, width_reason=None if width_pixels else "under a cell")
    return geometry, Physical(10.0, 0.1, width_mm, pm, width_mm, 6.0, 0.1, 0.1, "given")


@pytest.mark.parametrize(
    ("standard", "exposure", "limit_mm"),
    [
        ("EC2", "X0", 0.4),
        ("EC2", "XC1", 0.4),
        ("EC2", "XC4", 0.3),
        ("EC2", "XD2", 0.3),
        ("EC2", "XS3", 0.3),
        ("ACI224R", "dry_air", 0.41),
        ("ACI224R", "moist_air", 0.30),
        ("ACI224R", "deicing_chemicals", 0.18),
        ("ACI224R", "seawater", 0.15),
        ("ACI224R", "water_retaining", 0.10),
    ],
)
def test_limits_are_those_of_the_standards(standard: str, exposure: str, limit_mm: float) -> None:
    """EN 1992-1-1 Table 7.1N and ACI 224R-01 Table 4.1, each with its source."""
    limit = STANDARDS.limit(standard, exposure)

    assert limit.limit_mm == limit_mm
    assert "Table" in limit.standard.source


def test_names_are_found_however_they_are_written() -> None:
    """Case, spaces and hyphens make no difference."""
    assert STANDARDS.limit("ec2", "xc4").exposure == "XC4"
    assert STANDARDS.limit("aci224r", "Water-Retaining").limit_mm == 0.10


@pytest.mark.parametrize(
    ("standard", "exposure", "problem"),
    [
        ("DIN", "XC1", r"standard is 'DIN'; expected one of EC2, ACI224R"),
        (
            "EC2",
            "XD3",
            r"exposure is 'XD3', for which .*Table 7.1N.* names no limit; expected one of X0, XC1",
        ),
        ("EC2", "", r"exposure is ''"),
    ],
)
def test_what_is_not_known_is_answered_with_the_choices(standard: str, exposure: str, problem: str) -> None:
    """A wrong name is the caller's to mend, and the message says with what."""
    with pytest.raises(InvalidRequest, match=problem):
        STANDARDS.limit(standard, exposure)


@pytest.mark.parametrize(
    ("width_mm", "name"),
    [
        (0.20, "within_limit"),
        (0.279, "within_limit"),
        (0.29, "at_limit"),
        (0.31, "at_limit"),
        (0.35, "exceeds_limit"),
    ],
)
def test_a_width_stands_within_at_or_over_the_limit(width_mm: float, name: str) -> None:
    """At the limit is what one standard deviation does not tell from it."""
    found = width_class(*crack(width_mm), STANDARDS.limit("EC2", "XC3"))

    assert (found.name, found.reason) == (name, None)
    assert (found.standard, found.exposure, found.limit_mm) == ("EC2", "XC3", 0.3)
    assert "EN 1992-1-1" in found.source


def test_no_class_under_three_pixels() -> None:
    """A crack too narrow in the picture gets none, however wide it would be in millimetres."""
    found = width_class(*crack(5.0, width_pixels=2.9), STANDARDS.limit("EC2", "XC3"))

    assert found.name is None
    assert found.reason is not None
    assert "2.9 pixels" in found.reason
    assert width_class(*crack(5.0, width_pixels=3.0), STANDARDS.limit("EC2", "XC3")).name == "exceeds_limit"


def test_no_class_without_a_width() -> None:
    """The reason why there is no width is the reason why there is no class."""
    found = width_class(*crack(None, width_pixels=None), STANDARDS.limit("EC2", "XC3"))

    assert (found.name, found.reason) == (None, "under a cell")


def test_no_class_for_what_is_no_line() -> None:
    """A patch of spalling has no crack's width."""
    _, physical = crack(30.0)
    patch = Geometry(5000, 80.0, 60.0, 0.0, kind="blob", branches=0)

    found = width_class(patch, physical, STANDARDS.limit("EC2", "XC3"))

    assert found.name is None
    assert found.reason is not None
    assert "no line" in found.reason


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({"A": 3}, r"\[A\]: a table is expected"),
        ({"A": {"title": "a", "source": "b"}}, "limits_mm is missing"),
        ({"A": {"title": "a", "limits_mm": {"X": 1}}}, "source is missing"),
        ({"A": {"title": "a", "source": "b", "limits_mm": {"X": 0}}}, "limit of X is 0"),
        ({"A": {"title": "a", "source": "b", "limits_mm": {"X": 1}, "limit": 2}}, "unknown limit"),
    ],
)
def test_a_wrong_table_is_refused_at_the_start(table: dict[str, object], problem: str) -> None:
    """The operator learns which entry is wrong."""
    with pytest.raises(ConfigurationError, match=problem):
        Standards.from_table(table)
