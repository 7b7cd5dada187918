"""What may be asked for beside the photographs, at every door."""

from functools import lru_cache
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from anomaly.types import Camera, Marker, MaskFormat, Options, PictureForm, ScaleRequest, Tiles

Positive = Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)]
"""mm; what is over a thousand kilometres is a slip, and its square no number any more."""

MOST_TIMEOUT_MS = 600_000
"""Ten minutes: for so long RunPod lets a job run, unless told otherwise."""


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


class PicturePart(_Part):
    """How the annotated picture is written."""

    format: Literal["jpeg", "png", "webp"] = Field("jpeg", description="Of the picture's file.")
    max_side: int | None = Field(
        None, ge=16, le=16_384, description="Its longer side at most, pixels; the photo's own if left out."
    )


class StorageOptions(_Part):
    """Where an answer is to be kept, or is kept."""

    store: bool = Field(
        False,
        description="Keep the answer and its masks, pictures and tables in object storage; answer links.",
    )
    s3_bucket: str | None = Field(
        None, min_length=3, max_length=63, description="Name of the bucket; stores, as `store` does."
    )
    s3_prefix: str | None = Field(
        None,
        max_length=256,
        pattern=r"^[A-Za-z0-9_=-][A-Za-z0-9._=-]*(/[A-Za-z0-9_=-][A-Za-z0-9._=-]*)*/?$",
        description="Folder in the bucket; stores, as `store` does.",
    )
    s3Config: dict[str, str] | None = Field(  # noqa: N815 - RunPod's name
        None,
        description="Storage of one's own: endpointUrl, accessId, accessSecret, bucketName, as RunPod has them.",
    )

    @property
    def stores(self) -> bool:
        """Whether the answer is to be kept in object storage."""
        return self.store or self.s3_bucket is not None or self.s3_prefix is not None


class DetectOptions(StorageOptions):
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

    debug: bool = Field(False, description="Answer the annotated picture and the masks' picture too.")
    picture: PicturePart = Field(PicturePart(), description="How the annotated picture is written.")
    csv: bool = Field(False, description="Answer the findings as CSV too, and their number.")
    coco: bool = Field(False, description="Answer the findings as a COCO data set too.")
    wait_for_result: bool = Field(
        True, description="False answers a job's id at once, over HTTP; a job waits for nobody anyway."
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
        return self._options(default_threshold) if self.model_fields_set else _unasked(default_threshold)

    def _options(self, default_threshold: float) -> Options:
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
            debug=self.debug,
            picture=PictureForm(self.picture.format, self.picture.max_side),
            csv=self.csv,
            coco=self.coco,
        )

    def _scale(self) -> ScaleRequest | None:
        if self.mm_per_pixel is None and self.camera is None and self.marker is None:
            return None
        return ScaleRequest(
            self.mm_per_pixel,
            None if self.camera is None else Camera(**self.camera.model_dump()),
            None if self.marker is None else Marker(**self.marker.model_dump()),
        )


@lru_cache(maxsize=8)
def _unasked(default_threshold: float) -> Options:
    """Return the options of a request that names none, as most do."""
    return DetectOptions()._options(default_threshold)
