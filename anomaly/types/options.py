"""What one request asks for beside its photographs."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class MaskFormat(StrEnum):
    """How a mask is written in an answer."""

    RLE = "rle"
    POLYGON = "polygon"
    PNG = "png"


@dataclass(frozen=True, slots=True)
class Tiles:
    """The tiles that a request asks for: their side, and what neighbours share at least, in pixels."""

    tile: int
    overlap: int


@dataclass(frozen=True, slots=True)
class Camera:
    """What is known of the camera; what is None is taken from the photograph's EXIF.

    `sensor_width_mm` is that of the sensor's longer side, `distance_mm` from the lens to the surface.
    """

    sensor_width_mm: float | None = None
    focal_length_mm: float | None = None
    distance_mm: float | None = None


@dataclass(frozen=True, slots=True)
class Marker:
    """An ArUco marker on the surface: OpenCV's name of its dictionary, and the side of its black square."""

    dictionary: str
    size_mm: float


@dataclass(frozen=True, slots=True)
class ScaleRequest:
    """How a request says what a pixel measures on the surface: in exactly one of three ways."""

    mm_per_pixel: float | None = None
    camera: Camera | None = None
    marker: Marker | None = None


@dataclass(frozen=True, slots=True)
class PictureForm:
    """How the annotated picture is written; `max_side` None leaves it as large as the photograph, in pixels."""

    format: Literal["jpeg", "png", "webp"] = "jpeg"
    max_side: int | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """What one request asks for beside its photographs.

    `scale` None asks for no millimetres; `standard` and `exposure` name the limit for the width's class.
    `timeout_ms` is how long an answer is of use; None waits for as long as it takes. `debug` asks for the
    annotated picture and the masks' picture, `csv` and `coco` for the findings in those forms too.
    """

    confidence_threshold: float = 0.3
    include_masks: bool = False
    mask_format: MaskFormat = MaskFormat.RLE
    include_centre_lines: bool = False
    tiling: Literal["auto", "off"] | Tiles = "auto"
    scale: ScaleRequest | None = None
    standard: str | None = None
    exposure: str | None = None
    timeout_ms: int | None = None
    debug: bool = False
    picture: PictureForm = PictureForm()
    csv: bool = False
    coco: bool = False
