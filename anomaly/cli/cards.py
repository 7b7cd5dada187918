"""Cards and their prices, as `configs/gpus.toml` has them."""

import tomllib
from dataclasses import dataclass

from anomaly.bootstrap.tables import ROOT


@dataclass(frozen=True, slots=True)
class Card:
    """Cards of one size and one price: GB of 1024 MB, US dollars for a second on RunPod.

    `pool` is RunPod's name for them; it and the price are None where no endpoint has them.
    """

    names: tuple[str, ...]
    memory_gb: int
    pool: str | None
    flex_usd_per_s: float | None


@dataclass(frozen=True, slots=True)
class Cards:
    """All of them, smallest first; the share of their memory that is free; and where prices are from."""

    cards: tuple[Card, ...]
    free_share: float
    price_source: str
    price_url: str

    def free_mb(self, memory_gb: float) -> int:
        """Return what is free of a card that nothing else uses, MB of 2**20 bytes."""
        return int(memory_gb * 1024 * self.free_share)

    @classmethod
    def read(cls) -> "Cards":
        """Read the file."""
        known = tomllib.loads((ROOT / "configs" / "gpus.toml").read_text(encoding="utf-8"))
        return cls(
            tuple(
                Card(tuple(row["names"]), row["memory_gb"], row.get("pool"), row.get("flex_usd_per_s"))
                for row in known["cards"]
            ),
            known["free_share"],
            known["price_source"],
            known["price_url"],
        )
