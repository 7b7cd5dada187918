"""Where a measured crack width stands to the limit that a standard names. Never a safety verdict."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from anomaly.errors import ConfigurationError, InvalidRequest
from anomaly.types import Geometry, Physical, WidthClass

LEAST_WIDTH_PIXELS = 3.0
"""Narrower than this, the error of a third of a pixel or more decides the class and not the crack."""


@dataclass(frozen=True, slots=True)
class Standard:
    """One standard: its name in a request, its title, where the limits are from, and they by exposure, mm."""

    name: str
    title: str
    source: str
    limits_mm: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Limit:
    """The limit that a request chose."""

    standard: Standard
    exposure: str
    limit_mm: float


class Standards:
    """The standards that the product knows."""

    def __init__(self, standards: Mapping[str, Standard]) -> None:
        self._standards = dict(standards)

    @classmethod
    def from_table(cls, table: Mapping[str, object]) -> "Standards":
        """Take over a parsed `standards.toml`. Raises `ConfigurationError` naming what is wrong in it."""
        return cls({name: _standard(name, entry) for name, entry in table.items()})

    def names(self) -> dict[str, tuple[str, ...]]:
        """Return the exposures of each standard."""
        return {name: tuple(standard.limits_mm) for name, standard in self._standards.items()}

    def described(self) -> dict[str, dict[str, object]]:
        """Return each standard's title, where its limits are from, and they by exposure, mm."""
        return {
            name: {"title": each.title, "source": each.source, "limits_mm": dict(each.limits_mm)}
            for name, each in self._standards.items()
        }

    def limit(self, standard: str, exposure: str) -> Limit:
        """Return the limit of a standard for an exposure; upper and lower case make no difference.

        Raises `InvalidRequest` with what there is to choose from.
        """
        names = {name.lower(): name for name in self._standards}
        name = names.get(standard.lower())
        if name is None:
            raise InvalidRequest(
                f"standard is {standard!r}; expected one of {', '.join(self._standards) or 'none'}."
            )
        found = self._standards[name]
        exposures = {each.lower(): each for each in found.limits_mm}
        chosen = exposures.get(exposure.lower().replace(" ", "_").replace("-", "_"))
        if chosen is None:
            raise InvalidRequest(
                f"exposure is {exposure!r}, for which {found.title} names no limit;"
                f" expected one of {', '.join(found.limits_mm)}."
            )
        return Limit(found, chosen, found.limits_mm[chosen])


def width_class(geometry: Geometry, physical: Physical, limit: Limit) -> WidthClass:
    """Return the class of a crack's mean width (`Physical.width_mm`) by the chosen limit.

    `at_limit` where the limit lies within one standard deviation of the width, else `within_limit` or
    `exceeds_limit`. None, with the reason, for a width under `LEAST_WIDTH_PIXELS`, for a width that could
    not be measured, and for a defect that is no line.
    """
    name, reason = _name(geometry, physical, limit.limit_mm)
    return WidthClass(
        limit.standard.name, limit.exposure, limit.limit_mm, name, limit.standard.source, reason
    )


def _name(
    geometry: Geometry, physical: Physical, limit_mm: float
) -> tuple[Literal["within_limit", "at_limit", "exceeds_limit"] | None, str | None]:
    if geometry.kind != "line":
        return None, "the defect is no line, and the limit is one for the width of cracks"
    if geometry.width_pixels is None or physical.width_mm is None:
        return None, geometry.width_reason or "the mask does not support a width"
    if geometry.width_pixels < LEAST_WIDTH_PIXELS:
        return None, (
            f"the crack is {geometry.width_pixels:.1f} pixels wide, and under {LEAST_WIDTH_PIXELS:g} pixels a width"
            " is too uncertain for a class; take the photo from nearer by"
        )
    if abs(physical.width_mm - limit_mm) <= (physical.width_mm_pm or 0.0):
        return "at_limit", None
    return ("within_limit" if physical.width_mm < limit_mm else "exceeds_limit"), None


def _standard(name: str, entry: object) -> Standard:
    where = f"configs/standards.toml, [{name}]"
    if not isinstance(entry, Mapping):
        raise ConfigurationError(f"{where}: a table is expected")
    texts = {}
    for key in ("title", "source"):
        text = entry.get(key)
        if not isinstance(text, str) or not text:
            raise ConfigurationError(f"{where}: {key} is missing, or no text")
        texts[key] = text
    limits = entry.get("limits_mm")
    if not isinstance(limits, Mapping) or not limits:
        raise ConfigurationError(
            f"{where}: limits_mm is missing; a table of exposures and millimetres is expected"
        )
    for exposure, value in limits.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            raise ConfigurationError(
                f"{where}: the limit of {exposure} is {value!r}; millimetres above 0 are expected"
            )
    unknown = set(entry) - {"title", "source", "limits_mm"}
    if unknown:
        raise ConfigurationError(f"{where}: unknown {', '.join(sorted(map(str, unknown)))}")
    return Standard(name, texts["title"], texts["source"], {str(key): float(limits[key]) for key in limits})
