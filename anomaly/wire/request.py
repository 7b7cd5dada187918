"""What a caller may send. Pod and worker parse with these classes: the same mistake, the same code."""

from codecs import BOM_UTF8
from collections.abc import Mapping
from itertools import chain, repeat
from typing import Annotated, Any, Self, TypeVar

import orjson
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from anomaly.errors import InvalidRequest, TooManyImages
from anomaly.imaging.photo import Photo
from anomaly.types import Limits
from anomaly.wire.options import DetectOptions

Form = TypeVar("Form", bound=BaseModel)

FrameId = Annotated[str, Field(min_length=1, max_length=256)]

Url = Annotated[str, Field(min_length=1, max_length=8192, pattern=r"^https?://")]

_URL_NOTE = "an http(s) address to fetch it from, such as a signed link of S3."

_DATA_URI_NOTE = "base64 of the file's bytes, with or without a data URI's head"


_MOST_SHOWN = 60
"""Characters of what was sent, in a message."""


def _one_of(*names: str) -> dict[str, Any]:
    return {"oneOf": [{"required": [name]} for name in names]}


def _exactly_one(**sources: object) -> None:
    given = [name for name, value in sources.items() if value is not None]
    if len(given) > 1:
        raise ValueError(f"{' and '.join(given)} both say which photos; give one of them")
    if not given:
        raise ValueError(f"{next(iter(sources))} is missing; give {' or '.join(sources)}")


class FileRequest(DetectOptions):
    """The options of a photograph whose bytes come beside them: as the body, or as a part of a form."""

    frame_id: FrameId | None = Field(
        None, description="Comes back in the answer; derived from the bytes if left out."
    )


_PLAIN = FileRequest()
"""A photograph and nothing else, as most come."""


class DetectRequest(FileRequest):
    """One photograph as JSON: the body of `POST /detect`, or a job's `input`."""

    model_config = ConfigDict(json_schema_extra=_one_of("image", "image_url"))

    image: Any = Field(
        None,
        validation_alias=AliasChoices("image", "image_base64"),
        description=_DATA_URI_NOTE,
        json_schema_extra={"type": "string", "format": "byte"},
    )
    image_url: Url | None = Field(None, description=f"Or {_URL_NOTE}")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        _exactly_one(image=self.image, image_url=self.image_url)
        return self

    def photos(self) -> list[Photo]:
        """Return the photograph, not yet fetched or decoded, alone in a list."""
        return [Photo(self.image, self.frame_id, self.image_url)]


class BatchRequest(DetectOptions):
    """Several photographs as JSON: the body of `POST /detect/batch`, or a job's `input`.

    A photograph that cannot be read fails alone; the others are answered.
    """

    model_config = ConfigDict(json_schema_extra=_one_of("images", "image_urls"))

    images: list[Any] | None = Field(
        None,
        min_length=1,
        description=f"each {_DATA_URI_NOTE}",
        json_schema_extra={"items": {"type": "string", "format": "byte"}},
    )
    image_urls: list[Url] | None = Field(None, min_length=1, description=f"Or, for each, {_URL_NOTE}")
    frame_ids: list[FrameId | None] | None = Field(
        None, description="One for each image, in order; what is left out is derived from the bytes."
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        _exactly_one(images=self.images, image_urls=self.image_urls)
        given, photos = len(self.frame_ids or ()), len(self.images or self.image_urls or ())
        if given > photos:
            raise ValueError(f"{given} frame_ids for {photos} images; give at most one for each")
        return self

    def photos(self) -> list[Photo]:
        """Return the photographs in order, not yet fetched or decoded."""
        ids = chain(self.frame_ids or (), repeat(None))
        if self.images is not None:
            return [Photo(image, frame_id) for image, frame_id in zip(self.images, ids, strict=False)]
        urls = self.image_urls or ()
        return [Photo(None, frame_id, url) for url, frame_id in zip(urls, ids, strict=False)]


def parse_detect(value: object) -> DetectRequest:
    """Check one photograph's request, as parsed from JSON. Raises `InvalidRequest`."""
    return parse(DetectRequest, value)


def parse_batch(value: object, limits: Limits) -> BatchRequest:
    """Check a batch's request, as parsed from JSON. Raises `InvalidRequest` and `TooManyImages`."""
    for name in ("images", "image_urls"):
        photos = value.get(name) if isinstance(value, Mapping) else None
        if isinstance(photos, list) and len(photos) > limits.max_images:
            raise TooManyImages(
                f"the batch holds {len(photos)} images and the limit is {limits.max_images}; send it in parts"
            )
    return parse(BatchRequest, value)


def parse_input(value: object, limits: Limits) -> DetectRequest | BatchRequest:
    """Check a job's `input`: a batch where it has `images` or `image_urls`, else one photograph."""
    if isinstance(value, Mapping) and ("images" in value or "image_urls" in value):
        return parse_batch(value, limits)
    return parse_detect(value)


def parse_file(fields: Mapping[str, str]) -> FileRequest:
    """Check options that came as text, from a query or a form.

    "0.5" is a number, "true" a truth value, and what has parts of its own is JSON: `{"tile": 512}`.
    """
    return _from_texts(FileRequest, fields) if fields else _PLAIN


def beside(value: object, texts: Mapping[str, str]) -> object:
    """Return a JSON request with the options that came beside it as text, as in a query; its own go first."""
    if not texts or not isinstance(value, Mapping):
        return value
    return {**_from_texts(DetectOptions, texts).model_dump(exclude_unset=True), **value}


def _from_texts(form: type[Form], fields: Mapping[str, str]) -> Form:
    parted = {
        name: from_json(text.encode()) if text.startswith("{") else text for name, text in fields.items()
    }
    return parse(form, parted, strict=False)


def from_json(body: bytes) -> object:
    """Parse a JSON text. Raises `InvalidRequest`; NaN and infinities are not JSON.

    A byte order mark is passed over (RFC 8259, 8.1): Windows' shells write one.
    """
    try:
        return orjson.loads(body.removeprefix(BOM_UTF8))
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(f"that is not valid JSON ({error}); send an object") from None


def parse(form: type[Form], value: object, *, strict: bool = True) -> Form:
    """Check `value` as a `form`. Raises `InvalidRequest` with a sentence for each of the first three problems.

    `strict` False takes text for numbers and truth values, as from a query or a form.
    """
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
    where = where if len(where) <= _MOST_SHOWN else where[:_MOST_SHOWN] + "..."
    known = f"; the fields are {_fields(form)}" if len(problem["loc"]) == 1 else ""
    match problem["type"]:
        case "missing":
            return f"{where} is missing{known}"
        case "extra_forbidden":
            return f"{where} is not a field{known}"
        case "value_error":
            return problem["msg"].removeprefix("Value error, ")
    message = problem["msg"]
    return f"{where}: {message[:1].lower()}{message[1:]}; got {_excerpt(problem['input'])}"


def _excerpt(value: object) -> str:
    """Return what a value looks like, without writing out the megabytes that it may be."""
    if isinstance(value, str) and len(value) > _MOST_SHOWN:
        return f"{value[:_MOST_SHOWN]!r}..."
    if isinstance(value, list | dict):
        return f"{'a list' if isinstance(value, list) else 'an object'} of {len(value)}"
    return repr(value)


def _fields(form: type[BaseModel]) -> str:
    """Return the names of a form's fields; its own first, as those say what it is of."""
    return ", ".join(sorted(form.model_fields, key=lambda name: name not in form.__annotations__))
