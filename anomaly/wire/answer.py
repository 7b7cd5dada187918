"""Findings and errors -> what a caller gets.

Numbers are rounded to what they can mean: boxes and lengths to a hundredth of a pixel, scores to 1e-4.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import orjson
import pybase64

from anomaly.errors import AnomalyError
from anomaly.imaging import masks
from anomaly.pipeline import Outcome
from anomaly.report import coco, csv, pictures
from anomaly.types import Anomaly, Box, Findings, Mask, MaskFormat, Options, Physical, Structure, WrittenMask
from anomaly.wire.shapes import (
    AnomalyAnswer,
    BatchResponse,
    BBox,
    DetectResponse,
    ErrorResponse,
    FailedImage,
    GeometryAnswer,
    PhysicalAnswer,
    Problem,
    Reports,
    StructureAnswer,
)


def detect_response(findings: Findings, options: Options, elapsed_ms: float) -> DetectResponse:
    """Write the answer for one photograph, with its pictures and reports where they were asked for."""
    answer: DetectResponse = {
        "frame_id": findings.frame_id,
        "image_size": {"width": findings.width, "height": findings.height},
        "anomalies": [_anomaly(each, findings, options) for each in findings.anomalies],
        "anomaly_count": len(findings.anomalies),
        "structures": [_structure(each, findings, options) for each in findings.structures],
        "tiles": findings.tiles,
        "processing_time_ms": _hundredth(elapsed_ms),
    }
    answer.update(_reports([findings], options))  # type: ignore[typeddict-item]  # some of its keys
    if options.debug and findings.image is not None:
        annotated, colours = pictures.annotated(findings, options.picture), pictures.masks(findings)
        answer["debug_images"] = {"annotated": _base64(annotated), "masks": _base64(colours)}
    return answer


def batch_response(outcomes: Sequence[Outcome], options: Options, elapsed_ms: float) -> BatchResponse:
    """Write the answer for a batch: a result or an error for each photograph, in order."""
    alone = replace(options, csv=False, coco=False)  # of all photographs together
    results = [
        failed_image(each.result, each.frame_id)
        if isinstance(each.result, AnomalyError)
        else detect_response(each.result, alone, each.elapsed_ms)
        for each in outcomes
    ]
    found = [each.result for each in outcomes if isinstance(each.result, Findings)]
    return {
        "results": results,
        "image_count": len(results),
        "error_count": sum("error" in each for each in results),
        "processing_time_ms": _hundredth(elapsed_ms),
        **_reports(found, options),
    }


def failed_image(error: AnomalyError, frame_id: str | None) -> FailedImage:
    """Write the slot of a photograph that failed alone."""
    return {"frame_id": frame_id, "error": problem(error)}


def error_response(error: AnomalyError) -> ErrorResponse:
    """Write a failure."""
    return {"error": problem(error)}


def problem(error: AnomalyError) -> Problem:
    """Write an error's code and sentence."""
    return {"code": error.code, "message": str(error)}


def to_json(value: object) -> bytes:
    """Write strict JSON: numpy scalars as numbers, NaN as null."""
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)


def _reports(found: Sequence[Findings], options: Options) -> Reports:
    reports: Reports = {}
    if options.csv:
        reports["csv_data"] = csv.write(found)
        reports["num_findings"] = sum(len(each.anomalies) for each in found)
    if options.coco:
        reports["coco"] = coco.document(found)
    return reports


def _base64(data: bytes) -> str:
    return pybase64.b64encode(data).decode()


def _anomaly(anomaly: Anomaly, findings: Findings, options: Options) -> AnomalyAnswer:
    segmentation = anomaly.segmentation_score
    answer: AnomalyAnswer = {
        "anomaly_id": anomaly.id,
        "defect_type": anomaly.defect_type,
        "structure_type": anomaly.structure_type,
        "structure_id": anomaly.structure_id,
        "structure_ioa": None if anomaly.structure_ioa is None else _score(anomaly.structure_ioa),
        "bbox": _bbox(anomaly.box),
        "geometry": _geometry(anomaly, options),
        "confidence": {
            "detection": _score(anomaly.detection_score),
            "segmentation": None if segmentation is None else _score(segmentation),
            "combined": _score(anomaly.combined_score),
        },
    }
    if options.include_masks and anomaly.mask is not None:
        answer["mask"] = _mask(anomaly.mask, anomaly.written, findings, options.mask_format)
    return answer


def _structure(structure: Structure, findings: Findings, options: Options) -> StructureAnswer:
    here = [each for each in findings.anomalies if each.structure_id == structure.id]
    measured = [(each.defect_type, each.geometry) for each in here if each.geometry is not None]
    answer: StructureAnswer = {
        "structure_id": structure.id,
        "structure_type": structure.structure_type,
        "bbox": _bbox(structure.box),
        "confidence": _score(structure.score),
        "anomaly_ids": [each.id for each in here],
        "defect_area_pixels": sum(geometry.area_pixels for _, geometry in measured),
        "crack_length_pixels": _hundredth(
            sum(geometry.length_pixels for name, geometry in measured if name.endswith("crack"))
        ),
    }
    if options.include_masks and structure.mask is not None:
        answer["mask"] = _mask(structure.mask, structure.written, findings, options.mask_format)
    return answer


def _bbox(box: Box) -> BBox:
    return {
        "x_min": _hundredth(box.x_min),
        "y_min": _hundredth(box.y_min),
        "x_max": _hundredth(box.x_max),
        "y_max": _hundredth(box.y_max),
    }


def _geometry(anomaly: Anomaly, options: Options) -> GeometryAnswer | None:
    geometry = anomaly.geometry
    if geometry is None:
        return None
    answer: GeometryAnswer = {
        "area_pixels": geometry.area_pixels,
        "length_pixels": _hundredth(geometry.length_pixels),
        "width_pixels": _maybe(geometry.width_pixels),
        "orientation_degrees": _hundredth(geometry.orientation_degrees) % 180.0,
        "width_p95_pixels": _maybe(geometry.width_p95_pixels),
        "width_max_pixels": _maybe(geometry.width_max_pixels),
        "area_pixels_pm": _maybe(geometry.area_pixels_pm),
        "length_pixels_pm": _maybe(geometry.length_pixels_pm),
        "width_pixels_pm": _maybe(geometry.width_pixels_pm),
        "width_reason": geometry.width_reason,
        "width_source": geometry.width_source,
        "kind": geometry.kind,
        "branches": geometry.branches,
    }
    if options.include_centre_lines:
        answer["centre_lines"] = [line.astype(float).round(1).tolist() for line in geometry.centre_lines]
    if anomaly.physical is not None:
        return {**answer, **_physical(anomaly.physical)}
    return answer


def _physical(physical: Physical) -> PhysicalAnswer:
    found = physical.width_class
    return {
        "length_mm": _hundredth(physical.length_mm),
        "length_mm_pm": _hundredth(physical.length_mm_pm),
        "width_mm": _thousandth(physical.width_mm),
        "width_mm_pm": _thousandth(physical.width_mm_pm),
        "width_p95_mm": _thousandth(physical.width_p95_mm),
        "area_mm2": _hundredth(physical.area_mm2),
        "area_mm2_pm": _hundredth(physical.area_mm2_pm),
        "mm_per_pixel": _rounded(100_000, physical.mm_per_pixel),
        "scale_source": physical.source,
        "width_class": None
        if found is None
        else {
            "standard": found.standard,
            "exposure": found.exposure,
            "limit_mm": found.limit_mm,
            "name": found.name,
            "reason": found.reason,
            "source": found.source,
        },
    }


def _rounded(parts: float, value: float) -> float:
    """Return `value` to one of so many `parts` of one, as Python's own float: not every JSON writer knows numpy's.

    `round` with digits goes by way of text, which for twenty boxes takes longer than all else that is written of them.
    """
    return (float(value) * parts + 0.5) // 1 / parts


_hundredth = partial(_rounded, 100)
_score = partial(_rounded, 10_000)


def _thousandth(value: float | None) -> float | None:
    # A crack's width is limited to tenths of a millimetre: a hundredth would be a tenth of that.
    return None if value is None else _rounded(1000, value)


def _maybe(value: float | None) -> float | None:
    return None if value is None else _hundredth(value)


def _mask(mask: Mask, written: WrittenMask | None, findings: Findings, form: MaskFormat) -> object:
    """Return a mask as it stands in the answer: as it was written beforehand, unless it is another format now."""
    if written is not None and written.form is form:
        return written.value
    return masks.encode(mask, form, findings.width, findings.height)
