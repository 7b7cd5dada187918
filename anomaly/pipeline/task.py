"""One photograph on its way: what the models look at, what is settled before, and how it ends."""

from typing import NamedTuple

from anomaly.errors import AnomalyError
from anomaly.geometry.scale import Scale
from anomaly.geometry.standards import Limit
from anomaly.types import Box, Findings, Frame, Image, Options


class View(NamedTuple):
    """What the models look at in one go: a whole photograph, or a tile of it.

    `image` shares the photograph's memory; `box` is where it lies in the photograph, in whole pixels. `key`
    names its content, and is the same whenever the same file shows the same part; empty where it is not known.
    """

    image: Image
    box: Box
    threshold: float
    key: str = ""


class Task(NamedTuple):
    """One photograph and all that is settled before the models look at it.

    `views` is the whole photograph first, then its tiles; `scale` what a pixel measures, None where no
    millimetres were asked for; `limit` the width that a standard names, None where none was.
    """

    frame: Frame
    options: Options
    views: tuple[View, ...]
    scale: Scale | None = None
    limit: Limit | None = None


class Outcome(NamedTuple):
    """One photograph's findings, or the error with which it failed alone; and how long it took."""

    result: Findings | AnomalyError
    frame_id: str | None
    elapsed_ms: float
