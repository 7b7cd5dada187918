"""What a caller gets, field by field: both the OpenAPI document and what the writers are held to."""

from typing import NotRequired  # pydantic reads typing's own from Python 3.12 on

from typing_extensions import TypedDict


class ImageSize(TypedDict):
    """Pixels of the upright photograph."""

    width: int
    height: int


class BBox(TypedDict):
    """Pixels of the upright photograph, the maximum exclusive."""

    x_min: float
    y_min: float
    x_max: float
    y_max: float


class WidthClassAnswer(TypedDict):
    """Where the width stands to the limit that a standard names; never a safety verdict."""

    standard: str
    exposure: str
    limit_mm: float
    name: str | None
    reason: str | None
    source: str


class PhysicalAnswer(TypedDict):
    """The measures on the surface, where the request says what a pixel measures."""

    length_mm: NotRequired[float]
    length_mm_pm: NotRequired[float]
    width_mm: NotRequired[float | None]
    width_mm_pm: NotRequired[float | None]
    width_p95_mm: NotRequired[float | None]
    area_mm2: NotRequired[float]
    area_mm2_pm: NotRequired[float]
    mm_per_pixel: NotRequired[float]
    scale_source: NotRequired[str]
    width_class: NotRequired[WidthClassAnswer | None]


class GeometryAnswer(PhysicalAnswer):
    """What was measured on the mask; the conventions stand in docs/accuracy.md.

    `width_source` is `mask`, or `photo` where a crack's widths were measured on the photograph itself.
    The millimetres stand beside the pixels where the request says what a pixel measures.
    """

    area_pixels: int
    length_pixels: float
    width_pixels: float | None
    orientation_degrees: float
    width_p95_pixels: float | None
    width_max_pixels: float | None
    area_pixels_pm: float | None
    length_pixels_pm: float | None
    width_pixels_pm: float | None
    width_reason: str | None
    width_source: str
    kind: str
    branches: int
    centre_lines: NotRequired[list[list[list[float]]]]


class Confidence(TypedDict):
    """Scores in 0..1; `combined` is their geometric mean."""

    detection: float
    segmentation: float | None
    combined: float


class AnomalyAnswer(TypedDict):
    """One defect. `geometry` is null where nothing segments, or where the segmenter found no pixel."""

    anomaly_id: str
    defect_type: str
    structure_type: str
    structure_id: str | None
    structure_ioa: float | None
    bbox: BBox
    geometry: GeometryAnswer | None
    confidence: Confidence
    mask: NotRequired[object]


class StructureAnswer(TypedDict):
    """One structural member, and what was found on it."""

    structure_id: str
    structure_type: str
    bbox: BBox
    confidence: float
    anomaly_ids: list[str]
    defect_area_pixels: int
    crack_length_pixels: float
    mask: NotRequired[object]


class DebugImages(TypedDict):
    """Base64 of two files: the annotated picture as asked for, and the masks in their colours on black, a PNG."""

    annotated: str
    masks: str


class Stored(TypedDict):
    """Where an answer is kept: `links` read its files without a key; it expires unless it is kept for good."""

    result_id: str
    bucket: str
    prefix: str
    kept: bool
    links: dict[str, str]


class Reports(TypedDict):
    """The findings in other forms, where they were asked for: `csv_data` is RFC 4180, `coco` a COCO data set.

    A job whose result is too large has signed links in their place: `csv_url`, `coco_url`.
    """

    csv_data: NotRequired[str]
    num_findings: NotRequired[int]
    coco: NotRequired[dict[str, object]]
    csv_url: NotRequired[str]
    coco_url: NotRequired[str]
    stored: NotRequired[Stored]


class DetectResponse(Reports):
    """All that was found on one photograph; `tiles` is how many it was cut into beside the look at the whole.

    A job whose result is too large has signed links in the place of masks and pictures: `masks_url` leads to
    JSON that maps ids to masks. In a stream, `index` is the photograph's place in the batch.
    """

    frame_id: str
    image_size: ImageSize
    anomalies: list[AnomalyAnswer]
    anomaly_count: int
    structures: list[StructureAnswer]
    tiles: int
    debug_images: NotRequired[DebugImages]
    masks_url: NotRequired[str]
    debug_image_urls: NotRequired[DebugImages]
    index: NotRequired[int]
    processing_time_ms: float


class Problem(TypedDict):
    """`code` is stable and for programs, `message` for people."""

    code: str
    message: str


class ErrorResponse(TypedDict):
    """Why there is no answer."""

    error: Problem


class FailedImage(TypedDict):
    """The slot of a photograph that failed alone."""

    frame_id: str | None
    error: Problem


class BatchResponse(Reports):
    """One result for each image, in order."""

    results: list[DetectResponse | FailedImage]
    image_count: int
    error_count: int
    processing_time_ms: float
