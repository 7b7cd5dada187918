"""The product's facts, read from `configs/`."""

import tomllib
from pathlib import Path

from anomaly.geometry.standards import Standards
from anomaly.taxonomy import Taxonomy
from anomaly.vram import Table

ROOT = Path(__file__).resolve().parents[2]
"""Where `configs/` and `models/` lie."""


def variants() -> Table:
    """Return what is known of each network: memory, resolution, weights."""
    return Table.from_toml(tomllib.loads((ROOT / "configs" / "variants.toml").read_text()))


def taxonomy() -> Taxonomy:
    """Return what each label means."""
    return Taxonomy.from_table(tomllib.loads((ROOT / "configs" / "taxonomy.toml").read_text()))


def standards() -> Standards:
    """Return the limits that standards name for the width of cracks."""
    return Standards.from_table(tomllib.loads((ROOT / "configs" / "standards.toml").read_text()))
