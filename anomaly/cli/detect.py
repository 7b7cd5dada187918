"""`anomaly detect`: its options."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Form(StrEnum):
    """How the results are written."""

    AUTO = "auto"
    TEXT = "text"
    JSONL = "jsonl"
    CSV = "csv"
    COCO = "coco"


def detect(
    photos: Annotated[
        list[str], typer.Argument(metavar="PHOTO|FOLDER|URL...", help="Folders are read with all below them.")
    ],
    url: Annotated[
        str | None,
        typer.Option(
            "--url",
            "-u",
            envvar="ANOMALY_URL",
            show_envvar=True,
            help="A pod (http://host:8000) or an endpoint (https://api.runpod.ai/v2/ID). Left out: on this machine.",
        ),
    ] = None,
    endpoint: Annotated[
        str | None, typer.Option("--endpoint", "-e", metavar="ID", help="A RunPod endpoint.")
    ] = None,
    api_key: Annotated[
        str | None,
        typer.Option(
            "--api-key",
            "-k",
            envvar="ANOMALY_API_KEY",
            show_envvar=True,
            help="The server's key. For RunPod's own addresses RUNPOD_API_KEY serves too.",
        ),
    ] = None,
    runpod_key: Annotated[str | None, typer.Option(envvar="RUNPOD_API_KEY", hidden=True)] = None,
    form: Annotated[
        Form,
        typer.Option(
            "--format", "-f", help="auto: by the output's ending; else text on a terminal, and JSON lines."
        ),
    ] = Form.AUTO,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="File for the results. A run that was broken off goes on from FILE.journal.",
        ),
    ] = None,
    annotate: Annotated[
        Path | None,
        typer.Option("--annotate", "-a", help="Folder for pictures with the defects drawn on them."),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option("--threshold", "-t", min=0, max=1, help="Least confidence of what is answered."),
    ] = None,
    masks: Annotated[bool, typer.Option("--masks", "-m", help="Answer the masks too.")] = False,
    mm_per_pixel: Annotated[
        float | None, typer.Option("--mm-per-pixel", min=0, help="Scale of the photos; results in mm.")
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--option",
            "-O",
            metavar="NAME=VALUE",
            help="Any other field of a request, as in -O tiling=off or -O 'camera={\"distance_mm\": 3000}'.",
        ),
    ] = None,
    in_flight: Annotated[
        int, typer.Option("--in-flight", "-j", min=1, max=256, help="Photos, or an endpoint's jobs, at once.")
    ] = 4,
    reencode: Annotated[
        bool, typer.Option(help="A photo over an endpoint's limit goes as a JPEG of lower quality.")
    ] = False,
    resume: Annotated[bool, typer.Option(help="Go on from FILE.journal, and keep one.")] = True,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar and no summary.")] = False,
) -> None:
    """Find and measure the defects on photos: on this machine, on a pod, or on an endpoint.

    Results go to standard output, all else to standard error. The exit code is 1 where a photo failed.
    """
    from anomaly.cli.detecting import Order, run
    from anomaly.cli.servers import Place

    given = _options(option or [])
    given |= {"confidence_threshold": threshold, "mm_per_pixel": mm_per_pixel}
    given |= {"include_masks": True} if masks else {}
    order = Order(photos, given, _form(form, output), output, annotate, in_flight, resume, quiet)
    raise typer.Exit(run(Place.named(url, endpoint, api_key, runpod_key), order, reencode=reencode))


def _form(form: Form, output: Path | None) -> Form:
    if form is not Form.AUTO:
        return form
    if output is None:
        import sys

        return Form.TEXT if sys.stdout.isatty() else Form.JSONL
    return {".csv": Form.CSV, ".txt": Form.TEXT}.get(output.suffix.lower(), Form.JSONL)


def _options(texts: list[str]) -> dict[str, object]:
    """Read NAME=VALUE; a value that is JSON is that, and any other is a text."""
    import json

    given: dict[str, object] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise typer.BadParameter(f"{text!r} is not NAME=VALUE", param_hint="--option")
        try:
            given[name] = json.loads(value)
        except json.JSONDecodeError:
            given[name] = value
    return given
