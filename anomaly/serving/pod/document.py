"""What the OpenAPI document says of the bodies that FastAPI does not read, with examples that a test runs."""

from typing import Any

from pydantic import BaseModel

from anomaly.jobs import Submission
from anomaly.serving.pod import failures
from anomaly.wire import request as wire
from anomaly.wire import shapes
from anomaly.wire.options import StorageOptions

_PHOTO = (
    "iVBORw0KGgoAAAANSUhEUgAAAEAAAAAwCAAAAACEICPDAAAAWUlEQVR42u3VsQ0AIAgFUc5pHMvRHMexbLQxISp25lNRvVBx"
    "NHubZAIECBDwDUAeS30FLAgxv3IJQqxv/RbC68IpxC4sO4jTMnkQt2kr0Qs8CMVVgAAB/wAdsvoOrlRm3CEAAAAASUVORK5C"
    "YII="
)
"""A photograph of 64 x 48 pixels with a dark line, PNG."""

_DETECT = {"image": _PHOTO, "frame_id": "span-3/017", "confidence_threshold": 0.4, "include_masks": True}

FAILURES: dict[int | str, dict[str, Any]] = {
    status: {"model": shapes.ErrorResponse} for status in sorted({*failures.STATUS.values()})
}

OF_JOBS: dict[int | str, dict[str, Any]] = {
    status: FAILURES[status] for status in (404, 408, 413, 415, 422, 429, 503)
}
"""How the routes of jobs fail; what a job itself fails with stands in its status."""

OF_RESULTS = OF_JOBS | {status: FAILURES[status] for status in (400, 502)}


def _schema(form: type[BaseModel]) -> dict[str, Any]:
    """Return a form's JSON schema with its parts in place: references would lead out of the document."""
    schema = form.model_json_schema()
    parts = schema.pop("$defs", {})

    def inlined(value: Any) -> Any:
        if isinstance(value, dict):
            if "$ref" in value:
                rest = {name: each for name, each in value.items() if name != "$ref"}
                return {**inlined(parts[value["$ref"].removeprefix("#/$defs/")]), **rest}
            return {name: inlined(each) for name, each in value.items()}
        return [inlined(each) for each in value] if isinstance(value, list) else value

    inline: dict[str, Any] = inlined(schema)
    return inline


def _json(form: type[BaseModel], *, required: bool = True, **examples: object) -> dict[str, Any]:
    shown = {name.replace("_", " "): {"value": value} for name, value in examples.items()}
    content = {"schema": _schema(form), **({"examples": shown} if shown else {})}
    return {"required": required, "content": {"application/json": content}}


_FIELDS: dict[str, Any] = _schema(wire.FileRequest)["properties"]


def _in_query(schema: dict[str, Any]) -> dict[str, Any]:
    """Return how a value stands in a query: what has parts of its own is JSON there.

    Nothing is named first where nothing will do: /docs fills in what the first form says, and camera and marker
    together are one too many.
    """
    forms = sorted(schema.get("anyOf", [schema]), key=lambda each: each.get("type") != "null")
    if not {each.get("type") for each in forms} <= {"object", "null"}:
        return {"schema": schema}
    ordered = {**schema, "anyOf": forms} if "anyOf" in schema else schema
    return {"content": {"application/json": {"schema": ordered}}}


_PICTURE = {"schema": {"type": "string", "format": "binary"}}

DETECT: dict[str, Any] = {
    "requestBody": _json(
        wire.DetectRequest,
        one_photo=_DETECT,
        in_millimetres={
            "image": _PHOTO,
            "mm_per_pixel": 0.2,
            "standard": "EC2",
            "exposure": "XC3",
            "include_centre_lines": True,
        },
        with_pictures_and_tables={
            "image": _PHOTO,
            "debug": True,
            "picture": {"format": "png", "max_side": 1024},
            "csv": True,
            "coco": True,
        },
    ),
    "parameters": [
        {"name": name, "in": "query", "description": "With a picture as the body, or beside any other."}
        | _in_query(schema)
        for name, schema in _FIELDS.items()
        if name != "s3Config"  # a secret does not belong into an address
    ],
}
DETECT["requestBody"]["content"] |= dict.fromkeys(("image/jpeg", "image/png", "image/webp"), _PICTURE)

BATCH = {
    "requestBody": _json(
        wire.BatchRequest, two_photos={"images": [_PHOTO, _PHOTO], "frame_ids": ["left", "right"]}
    )
}

UPLOAD = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}, **_FIELDS},
                }
            }
        },
    }
}

SUBMISSION: dict[str, Any] = {
    "requestBody": _json(
        Submission,
        one_photo={"input": _DETECT},
        a_batch_as_a_stream={"input": {"images": [_PHOTO, _PHOTO], "stream": True}, "policy": {"ttl": 60000}},
    ),
    "parameters": [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "description": "The same request under the same key is the same job, however often it comes.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        }
    ],
}

KEEP = {
    "requestBody": _json(StorageOptions, required=False),
    "parameters": [
        {"name": name, "in": "query", "schema": {"type": "string"}} for name in ("s3_bucket", "s3_prefix")
    ],
}
