"""`python -m deploying hub`: write `.runpod/hub.json` and `.runpod/tests.json`, RunPod's Hub's two files.

Their fields are those of https://docs.runpod.io/hub/publishing-guide; the settings offered are the server's own,
with its names, defaults, limits and sentences.
"""

import base64
import json
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from annotated_types import Ge, Le
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from anomaly.settings import Settings

HERE = Path(__file__).resolve().parents[1]

OFFERED = (
    "detector_backend",
    "detector_variant",
    "detector_weights",
    "segmenter_backend",
    "sam_model_path",
    "sam_concepts",
    "hf_token",
    "confidence_threshold",
    "precision",
    "max_images",
    "runpod_concurrency",
    "worker_jobs_max",
    "log_level",
)
"""What one sets in the Hub's form; the first few are shown, the rest stand under "advanced"."""

SHOWN = 5

CUDA = ("13.0",)
"""Versions of the driver's CUDA that PyPI's torch 2.13 runs on: it is built for 13.0."""

POOLS = "AMPERE_16,AMPERE_24,ADA_24"
"""Serverless pools from 16 GB up; there are no smaller ones."""

DISK_GB = 30
"""The image with the CUDA wheels, and room for the published weights."""


def hub() -> dict[str, Any]:
    """Return what stands in `hub.json`."""
    return {
        "title": "Anomaly server",
        "description": "Photographs of bridges, tunnels and buildings in; measured, located, structured defects out.",
        "type": "serverless",
        "category": "image",
        "config": {
            "runsOn": "GPU",
            "containerDiskInGb": DISK_GB,
            "gpuCount": 1,
            "gpuIds": POOLS,
            "allowedCudaVersions": list(CUDA),
            "presets": [
                {
                    "name": "The embedded crack finder, no download",
                    "defaults": {"DETECTOR_BACKEND": "starter"},
                },
                {
                    "name": "The embedded crack finder, masks by SAM 2.1",
                    "defaults": {"DETECTOR_BACKEND": "starter", "SEGMENTER_BACKEND": "sam2"},
                },
                {
                    "name": "Defects by their names, with SAM 3 (needs HF_TOKEN)",
                    "defaults": {
                        "DETECTOR_BACKEND": "sam3",
                        "SEGMENTER_BACKEND": "sam3",
                        "SAM_MODEL_PATH": "hf://facebook/sam3/sam3.pt",
                    },
                },
            ],
            "env": [
                {"key": "RUNPOD_SERVERLESS", "value": "true"},
                *(
                    {"key": name.upper(), "input": _form(name, Settings.model_fields[name], at >= SHOWN)}
                    for at, name in enumerate(OFFERED)
                ),
            ],
        },
    }


def tests() -> dict[str, Any]:
    """Return what stands in `tests.json`: the sample is found to have a crack, and the worker tells what it is."""
    photo = base64.b64encode((HERE / "samples" / "crack.jpg").read_bytes()).decode()
    return {
        "tests": [
            {"name": "finds_the_crack_of_the_sample", "input": {"image": photo}, "timeout": 60_000},
            {"name": "tells_what_is_loaded", "input": {"probe": True}, "timeout": 10_000},
        ],
        "config": {
            "gpuTypeId": "NVIDIA RTX A4000",
            "gpuCount": 1,
            "env": [
                {"key": "RUNPOD_SERVERLESS", "value": "true"},
                {"key": "DETECTOR_BACKEND", "value": "starter"},
            ],
            "allowedCudaVersions": list(CUDA),
        },
    }


def write(folder: Path = HERE / ".runpod") -> None:
    """Write both files."""
    for name, content in (("hub.json", hub()), ("tests.json", tests())):
        (folder / name).write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _form(name: str, field: FieldInfo, advanced: bool) -> dict[str, Any]:
    kinds = [each for each in _kinds(field.annotation) if each is not types.NoneType]
    form: dict[str, Any] = {
        "name": name.replace("_", " ").capitalize(),
        "type": "string",
        "description": (field.description or "").replace("`", ""),
        "advanced": advanced,
    }
    if field.default is not None and not isinstance(field.default, SecretStr):
        form["default"] = (
            field.default if isinstance(field.default, bool | int | float) else str(field.default)
        )
    else:
        form["default"] = ""
    if bool in kinds:
        return form | {"type": "boolean", "trueValue": "true", "falseValue": "false"}
    if {int, float} & set(kinds):
        limits: Mapping[str, float] = {
            key: getattr(each, attribute)
            for each in field.metadata
            for kind, key, attribute in ((Ge, "min", "ge"), (Le, "max", "le"))
            if isinstance(each, kind)
        }
        # Left out is a value of its own, and a number cannot be left out of the form.
        return form | ({"type": "number", **limits} if field.default is not None else {})
    if options := [each for each in kinds if isinstance(each, str) and each != "fake"]:
        return form | {"options": [{"label": each, "value": each} for each in options]}
    return form


def _kinds(annotation: object) -> list[object]:
    """Return the types of a union, and the texts of a Literal."""
    return list(typing.get_args(annotation)) or [annotation]
