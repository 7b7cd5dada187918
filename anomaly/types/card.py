"""What a loaded model is."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What a loaded detector or segmenter is, for `/info` and the log.

    `weights` names the file or the origin, never a path of the machine; `sha256` is of that file.
    `classes` are the labels it can answer (empty for a segmenter, which answers none).
    """

    backend: str
    variant: str | None = None
    classes: tuple[str, ...] = ()
    weights: str | None = None
    sha256: str | None = None
    device: str = "cpu"
    precision: str = "fp32"
    note: str = ""
    details: Mapping[str, str | int | float] = field(default_factory=dict)
