"""`anomaly plan`: its options."""

from typing import Annotated, Literal

import typer

Detector = Literal["auto", "nano", "small", "medium", "large"]
Segmenter = Literal["auto", "sam3", "sam2", "none"]


def plan(
    vram: Annotated[
        float | None,
        typer.Option(
            "--vram", min=0.1, metavar="GB", help="Memory of a card, GB of 1024 MB; 95 % of it is free."
        ),
    ] = None,
    detector: Annotated[Detector, typer.Option(help="What is asked for.")] = "auto",
    segmenter: Annotated[Segmenter, typer.Option(help="What is asked for.")] = "auto",
    precision: Annotated[Literal["bf16", "fp32"], typer.Option(help="bf16 on cards since RTX 30.")] = "bf16",
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Say which variants fit which card, and what RunPod asks for it.

    With every weights file at hand. Nothing is loaded, and no card is needed.
    """
    from anomaly.cli.planning import show

    show(vram, detector, segmenter, precision, as_json=as_json)
