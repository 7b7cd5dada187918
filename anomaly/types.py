"""The values that flow through the server, in the order in which they appear.

bytes -> Frame + Options -> Detection -> Mask -> Geometry -> Anomaly / Structure -> Findings

Boxes are xyxy floats in pixels of the upright photograph, the maximum exclusive. Pixels are RGB.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""Pixels of a photograph: (H, W, 3) uint8, RGB, 0..255."""

Bitmap = NDArray[np.bool_]
"""A binary mask: (H, W) bool."""


@dataclass(frozen=True, slots=True)
class Box:
    """An axis-aligned rectangle in pixels, x to the right, y downwards, maximum exclusive."""

    x_min: float
    y_min: float
    x_max: float
    y_max: float

    @property
    def width(self) -> float:
        """Extent in x, pixels, never negative."""
        return max(0.0, self.x_max - self.x_min)

    @property
    def height(self) -> float:
        """Extent in y, pixels, never negative."""
        return max(0.0, self.y_max - self.y_min)

    @property
    def area(self) -> float:
        """Width times height, square pixels."""
        return self.width * self.height

    def clipped(self, width: int, height: int) -> "Box":
        """Return the part inside a photograph of `width` x `height` pixels; empty (area 0) if none is."""
        return Box(
            min(max(self.x_min, 0.0), width),
            min(max(self.y_min, 0.0), height),
            min(max(self.x_max, 0.0), width),
            min(max(self.y_max, 0.0), height),
        )


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
class Options:
    """What one request asks for beside its photographs.

    `scale` None asks for no millimetres; `standard` and `exposure` name the limit for the width's class.
    """

    confidence_threshold: float = 0.3
    include_masks: bool = False
    mask_format: MaskFormat = MaskFormat.RLE
    include_centre_lines: bool = False
    tiling: Literal["auto", "off"] | Tiles = "auto"
    scale: ScaleRequest | None = None
    standard: str | None = None
    exposure: str | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may hold at the most."""

    max_image_bytes: int = 64_000_000
    max_pixels: int = 100_000_000
    max_images: int = 32
    max_request_bytes: int = 128_000_000


@dataclass(frozen=True, slots=True)
class Frame:
    """One photograph, upright: `image` is (H, W, 3) uint8 RGB.

    `digest` is the sha256 of its file, and `exif` what the file says of its camera, by Exif's names.
    """

    id: str
    image: Image
    digest: str = ""
    exif: Mapping[str, float] = field(default_factory=dict)

    @property
    def width(self) -> int:
        """Pixels in x."""
        return int(self.image.shape[1])

    @property
    def height(self) -> int:
        """Pixels in y."""
        return int(self.image.shape[0])


@dataclass(frozen=True, slots=True)
class Detection:
    """One box of a detector: `label` as the detector names it, `score` in 0..1."""

    box: Box
    label: str
    score: float


@dataclass(frozen=True, slots=True)
class Mask:
    """The pixels of one object, cropped to its box; never a full frame.

    `bitmap` is (h, w) bool; its pixel (0, 0) is pixel (x, y) of the photograph. `score` is the
    segmenter's own estimate of the mask's quality, 0..1. `cell_pixels` is the side, in pixels of the
    photograph, of one cell of the grid on which the mask was decided: what is finer was interpolated.
    """

    bitmap: Bitmap
    x: int
    y: int
    score: float
    cell_pixels: float = 1.0

    @property
    def area(self) -> int:
        """Number of pixels that are set."""
        return int(np.count_nonzero(self.bitmap))


Polyline = NDArray[np.float32]
"""Points of a centre line in order: (N, 2) float32, x then y, pixel centres at whole numbers."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """What is measured on one mask; `anomaly.geometry` states every convention.

    Lengths and widths are in pixels, `orientation_degrees` in [0, 180), counter-clockwise as seen on
    the screen. `*_pm` is one standard deviation. A width that the mask cannot support is None, and
    `width_reason` says why. `width_source` is where the widths were measured: on the mask, or across the
    crack on the photograph itself.
    """

    area_pixels: int
    length_pixels: float
    width_pixels: float | None
    orientation_degrees: float
    width_p95_pixels: float | None = None
    width_max_pixels: float | None = None
    length_pixels_pm: float | None = None
    width_pixels_pm: float | None = None
    width_reason: str | None = None
    kind: Literal["line", "blob"] = "line"
    branches: int = 1
    centre_lines: tuple[Polyline, ...] = ()
    width_source: Literal["mask", "photo"] = "mask"


@dataclass(frozen=True, slots=True)
class WidthClass:
    """Where a width stands to the limit that a standard names for an exposure; never a safety verdict.

    `name` is None where the width supports no class, and `reason` says why.
    """

    standard: str
    exposure: str
    limit_mm: float
    name: Literal["within_limit", "at_limit", "exceeds_limit"] | None
    source: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Physical:
    """A defect's measures on the surface, in millimetres; `*_pm` is one standard deviation.

    A width that the mask cannot support is None, as in `Geometry`. `source` is a sentence that says where
    the scale comes from.
    """

    length_mm: float
    length_mm_pm: float
    width_mm: float | None
    width_mm_pm: float | None
    width_p95_mm: float | None
    area_mm2: float
    area_mm2_pm: float
    mm_per_pixel: float
    source: str
    width_class: WidthClass | None = None


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One defect, located and measured. `segmentation_score` is None where nothing segments.

    `structure_id` names the structure that holds it and `structure_ioa`, 0..1, the share of it that lies
    on that structure: under 0.5 the assignment is uncertain. Both are None where none holds it.
    """

    id: str
    defect_type: str
    structure_type: str
    box: Box
    detection_score: float
    segmentation_score: float | None = None
    geometry: Geometry | None = None
    mask: Mask | None = None
    structure_id: str | None = None
    structure_ioa: float | None = None
    physical: Physical | None = None

    @property
    def combined_score(self) -> float:
        """Geometric mean of the two scores; the detector's alone where nothing segments."""
        if self.segmentation_score is None:
            return self.detection_score
        return float(np.sqrt(self.detection_score * self.segmentation_score))


@dataclass(frozen=True, slots=True)
class Structure:
    """One structural member that the photograph shows."""

    id: str
    structure_type: str
    box: Box
    score: float
    mask: Mask | None = None


@dataclass(frozen=True, slots=True)
class Findings:
    """All that was found on one photograph of `width` x `height` pixels.

    `tiles` is the number of tiles that it took beside the look at the whole; 0 for the whole alone.
    """

    frame_id: str
    width: int
    height: int
    anomalies: tuple[Anomaly, ...] = ()
    structures: tuple[Structure, ...] = ()
    tiles: int = 0


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
