"""What is found on a photograph, from a detector's box to the whole of it."""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np

from anomaly.types.options import MaskFormat
from anomaly.types.photograph import Bitmap, Box, Image, Polyline


class Detection(NamedTuple):
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


@dataclass(frozen=True, slots=True)
class WrittenMask:
    """A mask as it stands in an answer: `value` is what JSON holds, in the format `form`, points in numpy's arrays."""

    form: MaskFormat
    value: object


@dataclass(frozen=True, slots=True)
class Geometry:
    """What is measured on one mask; `anomaly.geometry` states every convention.

    Lengths and widths are in pixels, `orientation_degrees` in [0, 180), counter-clockwise as seen on
    the screen. `*_pm` is one standard deviation; that of the area, which is an exact count, is of the shape that the
    mask shows. A width that the mask cannot support is None, and
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
    area_pixels_pm: float | None = None


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


class Anomaly(NamedTuple):
    """One defect, located and measured. `segmentation_score` is None where nothing segments.

    `structure_id` names the structure that holds it and `structure_ioa`, 0..1, the share of it that lies
    on that structure: under 0.5 the assignment is uncertain. Both are None where none holds it. `written` is the
    mask as the request asked for it, None where it did not.
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
    written: WrittenMask | None = None

    @property
    def combined_score(self) -> float:
        """Geometric mean of the two scores; the detector's alone where nothing segments."""
        if self.segmentation_score is None:
            return self.detection_score
        return float(np.sqrt(self.detection_score * self.segmentation_score))


class Structure(NamedTuple):
    """One structural member that the photograph shows; `written` is as in `Anomaly`."""

    id: str
    structure_type: str
    box: Box
    score: float
    mask: Mask | None = None
    written: WrittenMask | None = None


@dataclass(frozen=True, slots=True)
class Findings:
    """All that was found on one photograph of `width` x `height` pixels.

    `tiles` is the number of tiles that it took beside the look at the whole; 0 for the whole alone. `image`
    is the photograph itself where a picture of it was asked for, (height, width, 3) uint8 RGB.
    """

    frame_id: str
    width: int
    height: int
    anomalies: tuple[Anomaly, ...] = ()
    structures: tuple[Structure, ...] = ()
    tiles: int = 0
    image: Image | None = field(default=None, repr=False, compare=False)
