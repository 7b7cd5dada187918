"""Results as they come -> lines of text, JSON or CSV, a COCO data set, pictures."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Protocol, TextIO

import orjson

from anomaly.cli.detect import Form
from anomaly.client import Answer, Failed, Result
from anomaly.imaging.draw import annotate, caption
from anomaly.report import coco, csv
from anomaly.types import Findings, Limits


class Writer(Protocol):
    """Takes results in order; `end` comes after the last."""

    def add(self, result: Result) -> None:
        """Take one."""
        ...

    def end(self) -> None:
        """Write what could not be written before."""
        ...


@contextmanager
def written(form: Form, output: Path | None, standard: TextIO) -> Iterator[Writer]:
    """Give the writer of a form, on a file or on standard output."""
    if output is None:
        yield _writer(form, standard)
        return
    output.parent.mkdir(parents=True, exist_ok=True)
    with output.open("w", encoding="utf-8", newline="") as file:
        yield _writer(form, file)


def draw(photo: bytes, findings: Findings, to: Path) -> None:
    """Draw the findings on the photo and write it as a JPEG."""
    from PIL import Image as Pillow

    from anomaly.imaging.decode import decode

    to.parent.mkdir(parents=True, exist_ok=True)
    Pillow.fromarray(annotate(decode(photo, Limits()), findings)).save(to, "JPEG", quality=92)


def _writer(form: Form, out: TextIO) -> Writer:
    match form:
        case Form.CSV:
            return _Csv(out)
        case Form.COCO:
            return _Coco(out)
        case Form.TEXT:
            return _Text(out)
    return _Lines(out)


class _Lines:
    """A JSON object a line: the photo, and its answer or its error."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def add(self, result: Result) -> None:
        line = orjson.dumps({"photo": result.photo, **result.json})
        self._out.write(line.decode() + "\n")
        self._out.flush()

    def end(self) -> None:
        return


class _Csv:
    """A line a defect; its `frame_id` is the photo's path or URL."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        out.write(csv.write([]))

    def add(self, result: Result) -> None:
        if isinstance(result, Answer):
            self._out.write(csv.write([replace(result.findings, frame_id=result.photo)], header=False))
            self._out.flush()

    def end(self) -> None:
        return


class _Coco:
    """One data set, when all is there."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._found: list[Findings] = []

    def add(self, result: Result) -> None:
        if isinstance(result, Answer):
            self._found.append(replace(result.findings, frame_id=result.photo))

    def end(self) -> None:
        self._out.write(orjson.dumps(coco.document(self._found)).decode() + "\n")


class _Text:
    """For readers: the photo, and below it a line for each defect."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def add(self, result: Result) -> None:
        self._out.write(f"{result.photo}\n")
        if isinstance(result, Failed):
            self._out.write(f"  failed: {result.message} ({result.code})\n")
        elif not result.anomalies:
            self._out.write("  nothing found\n")
        else:
            for each in result.anomalies:
                title, measures = caption(each)
                where = f"at {each.box.x_min:.0f},{each.box.y_min:.0f}"
                self._out.write("  " + "   ".join(filter(None, (title, measures, where))) + "\n")
        self._out.flush()

    def end(self) -> None:
        return
