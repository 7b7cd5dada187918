"""The product's own table, read as the server reads it."""

import tomllib
from functools import cache
from pathlib import Path

from anomaly.vram import Table

VARIANTS = Path(__file__).parents[2] / "configs" / "variants.toml"


def document() -> dict[str, object]:
    """Return a fresh copy of the parsed file, free to be spoilt."""
    return tomllib.loads(VARIANTS.read_text(encoding="utf-8"))


@cache
def table() -> Table:
    """Return the table."""
    return Table.from_toml(document())


def every_segmenter() -> tuple[str, ...]:
    """Return the keys of all segmenters."""
    return tuple(each.key for each in table().segmenters)
