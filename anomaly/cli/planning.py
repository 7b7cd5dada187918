"""What `anomaly plan` does."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import product
from typing import Any

import typer
from rich.console import Console
from rich.table import Table as Drawn

from anomaly.bootstrap import tables
from anomaly.cli.cards import Cards
from anomaly.errors import AnomalyError
from anomaly.vram import Plan, Precision, Table, Wish
from anomaly.vram import plan as reckon


def show(
    vram_gb: float | None, detector: str, segmenter: str, precision: Precision, *, as_json: bool
) -> None:
    """Write the plan for `vram_gb`, where it is given, and that for every card."""
    table, cards = tables.variants(), Cards.read()
    wish = Wish(
        detector,
        segmenter,
        "large" if segmenter == "sam2" else "auto",
        None,
        tuple(each.key for each in table.segmenters),
        precision=precision,
    )
    one = None if vram_gb is None else _one(cards.free_mb(vram_gb), table, wish)
    pairs = [] if vram_gb is None else list(_pairs(cards.free_mb(vram_gb), table))
    rows = [
        {
            **asdict(card),
            "free_mb": cards.free_mb(card.memory_gb),
            **_one(cards.free_mb(card.memory_gb), table, wish),
        }
        for card in cards.cards
    ]
    if as_json:
        said: dict[str, Any] = {} if one is None else {"vram_gb": vram_gb, "plan": one, "pairs": pairs}
        typer.echo(json.dumps({**said, "cards": rows, "price_source": cards.price_source}, indent=2))
        return
    console = Console()
    if one is not None:
        console.print(f"[bold]{vram_gb:g} GB[/] {one['reason']}\n")
        console.print(_drawn_pairs(pairs))
    console.print(_drawn_cards(rows))
    console.print(
        f"Prices: flex workers, {cards.price_source}. They change: {cards.price_url}.",
        style="dim",
        highlight=False,
    )


def _one(free_mb: int, table: Table, wish: Wish) -> dict[str, Any]:
    try:
        made: Plan = reckon(free_mb, table, wish)
    except AnomalyError as error:
        return {"detector": None, "segmenter": None, "batch": 0, "needs_mb": None, "reason": str(error)}
    return {
        "detector": None if made.detector is None else made.detector.title,
        "segmenter": None if made.segmenter is None else made.segmenter.title,
        "batch": made.batch,
        "needs_mb": made.needs_mb,
        "reason": made.reason,
    }


def _pairs(free_mb: int, table: Table) -> Iterator[dict[str, Any]]:
    for detector, segmenter in product(table.detectors, (*table.segmenters, None)):
        yield {
            "detector": detector.title,
            "segmenter": None if segmenter is None else segmenter.title,
            "needs_mb": table.needs_mb(detector, segmenter),
            "batch": table.batch_within(free_mb, detector, segmenter),
        }


def _drawn_pairs(pairs: list[dict[str, Any]]) -> Drawn:
    drawn = Drawn(title="What fits", title_justify="left")
    for title in ("Detector", "Segmenter", "One photo needs", "Photos at once"):
        drawn.add_column(title, justify="right" if title[:3] in ("One", "Pho") else "left")
    for each in pairs:
        fits = str(each["batch"]) if each["batch"] else "does not fit"
        style = "" if each["batch"] else "dim"
        drawn.add_row(
            each["detector"],
            each["segmenter"] or "none",
            f"{each['needs_mb'] / 1024:.1f} GB",
            fits,
            style=style,
        )
    return drawn


def _drawn_cards(rows: Sequence[Mapping[str, Any]]) -> Drawn:
    drawn = Drawn(title="Cards", title_justify="left")
    for title in ("Card", "GB", "Comes to", "Photos at once", "Pool", "$ a second", "$ an hour"):
        drawn.add_column(title, justify="left" if title in ("Card", "Comes to", "Pool") else "right")
    for row in rows:
        price = row["flex_usd_per_s"]
        titles = [each.removeprefix("RF-DETR ") for each in (row["detector"], row["segmenter"]) if each]
        pair = " + ".join(titles) or "does not fit"
        drawn.add_row(
            ", ".join(row["names"]),
            str(row["memory_gb"]),
            pair,
            str(row["batch"] or "-"),
            row["pool"] or "pods only",
            "" if price is None else f"{price:.5f}",
            "" if price is None else f"{price * 3600:.2f}",
        )
    return drawn
