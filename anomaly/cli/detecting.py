"""What `anomaly detect` does."""

import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import typer

from anomaly.cli.detect import Form
from anomaly.cli.servers import Place
from anomaly.cli.sources import Named, named
from anomaly.cli.writing import Writer, draw, written
from anomaly.client import Answer, Client, Failed
from anomaly.client.progress import bar
from anomaly.errors import AnomalyError

FETCH_S = 60.0


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done: `photos` as they were named, `options` of the requests, and where results go."""

    photos: Sequence[str]
    options: Mapping[str, object]
    form: Form
    output: Path | None
    annotate: Path | None
    in_flight: int
    resume: bool
    quiet: bool

    @property
    def journal(self) -> Path | None:
        """The file from which a run that was broken off goes on."""
        if self.output is None or not self.resume:
            return None
        return self.output.with_name(f"{self.output.name}.journal")

    @property
    def wanted(self) -> Mapping[str, object]:
        """The options, with the masks and lines that drawing and labelling take."""
        pictures = {"include_masks": True, "mask_format": "rle"}
        extra: dict[str, object] = pictures if self.annotate or self.form is Form.COCO else {}
        if self.annotate:
            extra = {**extra, "include_centre_lines": True}
        return {**self.options, **extra}


@dataclass(slots=True)
class _Tally:
    photos: int = 0
    defects: int = 0
    failed: int = 0
    passing: int = 0

    def add(self, result: Answer | Failed) -> None:
        self.photos += 1
        if isinstance(result, Answer):
            self.defects += len(result.json["anomalies"])
        else:
            self.failed += 1
            self.passing += result.passing


def run(place: Place, order: Order, *, reencode: bool) -> int:
    """Carry the order out; return the exit code: 1 where a photo failed."""
    photos = named(order.photos)
    began = time.monotonic()
    with place.opened(reencode=reencode) as client, written(order.form, order.output, sys.stdout) as writer:
        tally = _detect(client, photos, order, writer)
    if order.journal is not None and not tally.passing:
        with suppress(FileNotFoundError):
            order.journal.unlink()
    if not order.quiet:
        typer.echo(_summary(tally, time.monotonic() - began, order), err=True)
    return 1 if tally.failed else 0


def _detect(client: Client, photos: Sequence[Named], order: Order, writer: Writer) -> _Tally:
    tally = _Tally()
    sources = [each.source for each in photos]
    with bar(not order.quiet and not (order.form is Form.TEXT and order.output is None)) as told:
        results = client.imap(
            sources, journal=order.journal, in_flight=order.in_flight, told=told, **order.wanted
        )
        for photo, result in zip(photos, results, strict=True):
            tally.add(result)
            writer.add(result)
            if isinstance(result, Failed) and order.form is not Form.TEXT:
                typer.echo(f"{result.photo}: {result.message} ({result.code})", err=True)
            if order.annotate is not None and isinstance(result, Answer):
                _draw(photo, result, order.annotate)
        writer.end()
    return tally


def _draw(photo: Named, answer: Answer, folder: Path) -> None:
    to = folder / photo.name.with_name(f"{photo.name.name}.jpg")
    try:
        draw(_bytes(photo.source), answer.findings, to)
    except (AnomalyError, httpx.HTTPError, OSError) as error:
        typer.echo(f"{answer.photo}: no picture was drawn: {error}", err=True)


def _bytes(source: str) -> bytes:
    if source[:8].lower().startswith(("http://", "https://")):
        return httpx.get(source, follow_redirects=True, timeout=FETCH_S).raise_for_status().content
    return Path(source).read_bytes()


def _summary(tally: _Tally, took_s: float, order: Order) -> str:
    said = f"{_count(tally.photos, 'photo')}, {_count(tally.defects, 'defect')}"
    if tally.failed:
        said += f", {tally.failed} failed"
    said += f", in {took_s:.1f} s"
    if tally.passing and order.journal is not None:
        said += f"; the same command again tries the {tally.passing} that the server could not do"
    return said


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
