"""What a caller may send. Pod and worker parse with these classes: the same mistake, the same code."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, TypeVar

import orjson
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from anomaly.errors import InvalidRequest, TooManyImages
from anomaly.imaging.photo import Photo
from anomaly.types import Camera, Limits, Marker, MaskFormat, Options, ScaleRequest, Tiles

Form = TypeVar("Form", bound=BaseModel)

FrameId = Annotated[str, Field(min_length=1, max_length=256)]

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]

MOST_TIMEOUT_MS = 600_000
"""Ten minutes: for so long RunPod lets a job run, unless told otherwise."""

_DATA_URI_NOTE = "base64 of the file's bytes, with or without a data URI's head"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TilesPart(_Part):
    """Tiles of one's own choice."""

    tile: int = Field(description="Side of a tile, pixels.")
    overlap: int = Field(0, description="What neighbours share at least, pixels.")


class CameraPart(_Part):
    """What is known of the camera; EXIF fills in what it knows."""

    sensor_width_mm: Positive | None = Field(None, description="Longer side of the sensor, mm.")
    focal_length_mm: Positive | None = Field(None, description="Focal length, mm.")
    distance_mm: Positive | None = Field(None, description="From the lens to the surface, mm.")


class MarkerPart(_Part):
    """An ArUco marker on the surface."""

    dictionary: str = Field(description="OpenCV's name of its dictionary, such as DICT_4X4_50.")
    size_mm: Positive = Field(description="Side of its black square, mm.")


class DetectOptions(_Part):
    """What may be asked for beside the photographs, at every door."""

    confidence_threshold: float | None = Field(
        None,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="Least score of what is answered, 0..1; the server's CONFIDENCE_THRESHOLD if left out.",
    )
    include_masks: bool = Field(False, description="Answer each anomaly's mask too.")
    mask_format: Literal["rle", "polygon", "png"] = Field(
        "rle", description="How masks are written: COCO RLE, polygons, or a PNG of the box."
    )

    include_centre_lines: bool = Field(
        False, description="Answer the line along which each length was measured."
    )
    tiling: Literal["auto", "off"] | TilesPart = Field(
        "auto", description="Cut a large photo into tiles: by itself, never, or as told."
    )
    mm_per_pixel: Positive | None = Field(None, description="What a pixel measures on the surface, mm.")
    camera: CameraPart | None = Field(None, description="Or the camera, from which that follows.")
    marker: MarkerPart | None = Field(None, description="Or an ArUco marker in the photo.")
    standard: str | None = Field(None, description="Standard for the width's class: EC2 or ACI224R.")
    exposure: str | None = Field(None, description="Exposure class of that standard.")
    timeout_ms: int | None = Field(
        None,
        ge=1,
        le=MOST_TIMEOUT_MS,
        description="For how long an answer is of use, ms; as long as it takes if left out.",
    )

    @model_validator(mode="after")
    def _one_scale(self) -> Self:
        given = [name for name in ("mm_per_pixel", "camera", "marker") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} say the scale more than once; give one of them")
        if (self.standard is None) is not (self.exposure is None):
            raise ValueError("standard and exposure go together; give both or neither")
        if self.standard is not None and not given:
            raise ValueError("a width's class needs a scale: give mm_per_pixel, camera or marker too")
        return self

    def options(self, default_threshold: float) -> Options:
        """Return the values that the pipeline works with."""
        threshold, tiling = self.confidence_threshold, self.tiling
        return Options(
            confidence_threshold=default_threshold if threshold is None else threshold,
            include_masks=self.include_masks,
            mask_format=MaskFormat(self.mask_format),
            include_centre_lines=self.include_centre_lines,
            tiling=Tiles(tiling.tile, tiling.overlap) if isinstance(tiling, TilesPart) else tiling,
            scale=self._scale(),
            standard=self.standard,
            exposure=self.exposure,
            timeout_ms=self.timeout_ms,
        )

    def _scale(self) -> ScaleRequest | None:
        if self.mm_per_pixel is None and self.camera is None and self.marker is None:
            return None
        return ScaleRequest(
            self.mm_per_pixel,
            None if self.camera is None else Camera(**self.camera.model_dump()),
            None if self.marker is None else Marker(**self.marker.model_dump()),
        )


class FileRequest(DetectOptions):
    """The options of a photograph whose bytes come beside them: as the body, or as a part of a form."""

    frame_id: FrameId | None = Field(
        None, description="Comes back in the answer; derived from the bytes if left out."
    )


class DetectRequest(FileRequest):
    """One photograph as JSON: the body of `POST /detect`, or a job's `input`."""

    image: Any = Field(
        validation_alias=AliasChoices("image", "image_base64"),
        description=_DATA_URI_NOTE,
        json_schema_extra={"type": "string", "format": "byte"},
    )

    def photos(self) -> list[Photo]:
        """Return the photograph, not yet decoded, alone in a list."""
        return [Photo(self.image, self.frame_id)]


class BatchRequest(DetectOptions):
    """Several photographs as JSON: the body of `POST /detect/batch`, or a job's `input`.

    A photograph that cannot be read fails alone; the others are answered.
    """

    images: list[Any] = Field(
        min_length=1,
        description=f"each {_DATA_URI_NOTE}",
        json_schema_extra={"items": {"type": "string", "format": "byte"}},
    )
    frame_ids: list[FrameId | None] | None = Field(
        None, description="One for each image, in order; what is left out is derived from the bytes."
    )

    @model_validator(mode="after")
    def _ids_match(self) -> Self:
        given = len(self.frame_ids or ())
        if given > len(self.images):
            raise ValueError(f"{given} frame_ids for {len(self.images)} images; give at most one for each")
        return self

    def photos(self) -> list[Photo]:
        """Return the photographs in order, not yet decoded."""
        ids = [*(self.frame_ids or ()), *[None] * len(self.images)]
        return [Photo(image, frame_id) for image, frame_id in zip(self.images, ids, strict=False)]


def parse_detect(value: object) -> DetectRequest:
    """Check one photograph's request, as parsed from JSON. Raises `InvalidRequest`."""
    return _parse(DetectRequest, value)


def parse_batch(value: object, limits: Limits) -> BatchRequest:
    """Check a batch's request, as parsed from JSON. Raises `InvalidRequest` and `TooManyImages`."""
    images = value.get("images") if isinstance(value, Mapping) else None
    if isinstance(images, list) and len(images) > limits.max_images:
        raise TooManyImages(
            f"the batch holds {len(images)} images and the limit is {limits.max_images}; send it in parts"
        )
    return _parse(BatchRequest, value)


def parse_input(value: object, limits: Limits) -> DetectRequest | BatchRequest:
    """Check a job's `input`: a batch where it has `images`, else one photograph."""
    if isinstance(value, Mapping) and "images" in value:
        return parse_batch(value, limits)
    return parse_detect(value)


def parse_file(fields: Mapping[str, str]) -> FileRequest:
    """Check options that came as text, from a query or a form.

    "0.5" is a number, "true" a truth value, and what has parts of its own is JSON: `{"tile": 512}`.
    """
    parted = {
        name: from_json(text.encode()) if text.startswith("{") else text for name, text in fields.items()
    }
    return _parse(FileRequest, parted, strict=False)


def from_json(body: bytes) -> object:
    """Parse a JSON text. Raises `InvalidRequest`; NaN and infinities are not JSON."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(f"that is not valid JSON ({error}); send an object") from None


def _parse(form: type[Form], value: object, *, strict: bool = True) -> Form:
    if not isinstance(value, Mapping):
        raise InvalidRequest(
            f"expected an object with the fields {_fields(form)}; got {type(value).__name__}"
        )
    try:
        return form.model_validate(dict(value), strict=strict)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False)[:3]
        raise InvalidRequest("; ".join(_sentence(each, form) for each in problems)) from None


def _sentence(problem: ErrorDetails, form: type[BaseModel]) -> str:
    where = ".".join(map(str, problem["loc"]))
    known = f"; the fields are {_fields(form)}" if len(problem["loc"]) == 1 else ""
    match problem["type"]:
        case "missing":
            return f"{where} is missing{known}"
        case "extra_forbidden":
            return f"{where} is not a field{known}"
        case "value_error":
            return problem["msg"].removeprefix("Value error, ")
    got = repr(problem["input"])
    return f"{where}: {problem['msg'].lower()}; got {got if len(got) <= 60 else got[:60] + '...'}"


def _fields(form: type[BaseModel]) -> str:
    return ", ".join(form.model_fields)
