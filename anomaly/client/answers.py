"""What comes back: `Answer` for a photograph that was looked at, `Failed` for one that was not."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from anomaly.client.masks import mask_of
from anomaly.client.problem import problem_of
from anomaly.types import Anomaly, Box, Findings, Geometry, Mask, Physical, Structure, WidthClass


@dataclass(frozen=True)  # without slots: `findings` is kept once it is read
class Answer:
    """All that was found on one photograph.

    `json` is the answer as it came, every field of it; `findings` the same as the server's own values.
    `photo` is the path or URL that it was asked for with.
    """

    json: Mapping[str, Any]
    photo: str = ""

    @property
    def frame_id(self) -> str:
        """The id of the photograph: the caller's, else derived from its bytes."""
        return str(self.json["frame_id"])

    @property
    def anomalies(self) -> tuple[Anomaly, ...]:
        """The defects, with their geometry, and with their masks where those were asked for."""
        return self.findings.anomalies

    @property
    def structures(self) -> tuple[Structure, ...]:
        """The structural members that the photograph shows."""
        return self.findings.structures

    @cached_property
    def findings(self) -> Findings:
        """The answer as values: boxes, geometry, millimetres, masks as bitmaps."""
        size = self.json["image_size"]
        return Findings(
            self.frame_id,
            size["width"],
            size["height"],
            tuple(map(_anomaly, self.json["anomalies"])),
            tuple(map(_structure, self.json["structures"])),
            self.json.get("tiles", 0),
        )


_PASSING = frozenset({
    "call_failed", "call_refused", "caller_gone", "deadline_exceeded", "device_lost", "job_failed", "job_lost",
    "job_timed_out", "link_broken", "not_ready", "overloaded", "queue_full", "rate_limited", "storage_denied",
    "storage_unavailable", "upload_too_slow", "url_failed",
})  # fmt: skip
"""Codes that say nothing about a photograph: somebody on the way could not, or would not, at that moment."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A photograph without an answer: the error's stable `code` and its sentence."""

    code: str
    message: str
    frame_id: str | None = None
    photo: str = ""

    @property
    def passing(self) -> bool:
        """Whether it says nothing about the photograph, so that another try may succeed."""
        return self.code in _PASSING

    @property
    def json(self) -> Mapping[str, Any]:
        """The slot of a photograph that failed alone, as a server writes it."""
        return {"frame_id": self.frame_id, "error": {"code": self.code, "message": self.message}}


Result: TypeAlias = Answer | Failed
"""What came of one photograph."""


def result_of(value: Mapping[str, Any], photo: str = "") -> Result:
    """Read one slot of a batch, or the answer for one photograph."""
    if "error" in value:
        code, message = problem_of(value["error"])
        return Failed(code or "failed", message, value.get("frame_id"), photo)
    return Answer(value, photo)


def _anomaly(value: Mapping[str, Any]) -> Anomaly:
    scores, geometry = value["confidence"], value["geometry"]
    return Anomaly(
        id=value["anomaly_id"],
        defect_type=value["defect_type"],
        structure_type=value["structure_type"],
        box=Box(**value["bbox"]),
        detection_score=scores["detection"],
        segmentation_score=scores["segmentation"],
        geometry=None if geometry is None else _geometry(geometry),
        mask=_mask(value, scores["segmentation"]),
        structure_id=value.get("structure_id"),
        structure_ioa=value.get("structure_ioa"),
        physical=None if geometry is None or "mm_per_pixel" not in geometry else _physical(geometry),
    )


def _structure(value: Mapping[str, Any]) -> Structure:
    score = value["confidence"]
    return Structure(
        value["structure_id"], value["structure_type"], Box(**value["bbox"]), score, _mask(value, score)
    )


def _mask(value: Mapping[str, Any], score: float | None) -> Mask | None:
    return None if value.get("mask") is None else mask_of(value["mask"], score or 0.0)


def _geometry(value: Mapping[str, Any]) -> Geometry:
    lines = tuple(np.asarray(line, np.float32) for line in value.get("centre_lines", ()))
    plain = (
        "area_pixels", "length_pixels", "width_pixels", "orientation_degrees", "width_p95_pixels",
        "width_max_pixels", "length_pixels_pm", "width_pixels_pm", "width_reason", "kind", "branches",
    )  # fmt: skip
    known = {name: value[name] for name in plain}
    later = {"width_source": value.get("width_source", "mask"), "area_pixels_pm": value.get("area_pixels_pm")}
    return Geometry(**known, **later, centre_lines=lines)


def _physical(value: Mapping[str, Any]) -> Physical:
    plain = (
        "length_mm", "length_mm_pm", "width_mm", "width_mm_pm", "width_p95_mm", "area_mm2", "area_mm2_pm",
        "mm_per_pixel",
    )  # fmt: skip
    found = value.get("width_class")
    return Physical(
        **{name: value[name] for name in plain},
        source=value["scale_source"],
        width_class=None if found is None else WidthClass(**found),
    )
