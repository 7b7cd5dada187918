"""What the OpenAPI document says of the doors for photographs, whose bodies FastAPI does not read."""

from typing import Any

from anomaly.serving.pod import failures
from anomaly.wire import request as wire
from anomaly.wire import shapes

FAILURES: dict[int | str, dict[str, Any]] = {
    status: {"model": shapes.ErrorResponse} for status in sorted({*failures.STATUS.values()})
}
_PICTURE = {"schema": {"type": "string", "format": "binary"}}
DETECT = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": wire.DetectRequest.model_json_schema()},
            **dict.fromkeys(("image/jpeg", "image/png", "image/webp"), _PICTURE),
        },
    },
    "parameters": [
        {"name": name, "in": "query", "schema": schema, "description": "With a picture as the body."}
        for name, schema in wire.FileRequest.model_json_schema()["properties"].items()
    ],
}
BATCH = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": wire.BatchRequest.model_json_schema()}},
    }
}
UPLOAD = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        **wire.FileRequest.model_json_schema()["properties"],
                    },
                }
            }
        },
    }
}
