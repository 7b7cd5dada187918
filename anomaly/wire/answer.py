"""Findings and errors -> what a caller gets.

Numbers are rounded to what they can mean: boxes and lengths to a hundredth of a pixel, scores to 1e-4.
"""

from collections.abc import Sequence
from dataclasses import replace

import orjson
import pybase64

from anomaly.errors import AnomalyError
from anomaly.imaging import masks
from anomaly.pipeline import Outcome
from anomaly.report import coco, csv, pictures
from anomaly.types import (
    Anomaly,
    Box,
    Findings,
    Geometry,
    Mask,
    MaskFormat,
    Options,
    Physical,
    Structure,
    WrittenMask,
)
from anomaly.wire.rounding import rounded, rounded_or_none
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
        "structures": _structures(findings, options),
        "tiles": findings.tiles,
        "processing_time_ms": rounded(elapsed_ms, 2),
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
        "processing_time_ms": rounded(elapsed_ms, 2),
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
    segmentation, ioa = anomaly.segmentation_score, anomaly.structure_ioa
    score = rounded(anomaly.detection_score, 4)
    answer: AnomalyAnswer = {
        "anomaly_id": anomaly.id,
        "defect_type": anomaly.defect_type,
        "structure_type": anomaly.structure_type,
        "structure_id": anomaly.structure_id,
        "structure_ioa": None if ioa is None else rounded(ioa, 4),
        "bbox": _bbox(anomaly.box),
        "geometry": None
        if anomaly.geometry is None
        else _geometry(anomaly.geometry, anomaly.physical, options),
        "confidence": {"detection": score, "segmentation": None, "combined": score}
        if segmentation is None
        else {
            "detection": score,
            "segmentation": rounded(segmentation, 4),
            "combined": rounded(anomaly.combined_score, 4),
        },
    }
    if options.include_masks and anomaly.mask is not None:
        answer["mask"] = _mask(anomaly.mask, anomaly.written, findings, options.mask_format)
    return answer


def _structures(findings: Findings, options: Options) -> list[StructureAnswer]:
    structures = findings.structures
    held: dict[str | None, list[Anomaly]] = {each.id: [] for each in structures}
    for anomaly in findings.anomalies:
        held.setdefault(anomaly.structure_id, []).append(anomaly)
    return [_structure(each, held[each.id], findings, options) for each in structures]


def _structure(
    structure: Structure, here: Sequence[Anomaly], findings: Findings, options: Options
) -> StructureAnswer:
    measured = [(each.defect_type, each.geometry) for each in here if each.geometry is not None]
    answer: StructureAnswer = {
        "structure_id": structure.id,
        "structure_type": structure.structure_type,
        "bbox": _bbox(structure.box),
        "confidence": rounded(structure.score, 4),
        "anomaly_ids": [each.id for each in here],
        "defect_area_pixels": sum(geometry.area_pixels for _, geometry in measured),
        "crack_length_pixels": rounded(
            sum(geometry.length_pixels for name, geometry in measured if name.endswith("crack")), 2
        ),
    }
    if options.include_masks and structure.mask is not None:
        answer["mask"] = _mask(structure.mask, structure.written, findings, options.mask_format)
    return answer


def _bbox(box: Box) -> BBox:
    x_min, y_min, x_max, y_max = box
    return {
        "x_min": rounded(x_min, 2),
        "y_min": rounded(y_min, 2),
        "x_max": rounded(x_max, 2),
        "y_max": rounded(y_max, 2),
    }


def _geometry(geometry: Geometry, physical: Physical | None, options: Options) -> GeometryAnswer:
    answer: GeometryAnswer = {
        "area_pixels": geometry.area_pixels,
        "length_pixels": rounded(geometry.length_pixels, 2),
        "width_pixels": rounded_or_none(geometry.width_pixels, 2),
        "orientation_degrees": rounded(geometry.orientation_degrees, 2) % 180.0,
        "width_p95_pixels": rounded_or_none(geometry.width_p95_pixels, 2),
        "width_max_pixels": rounded_or_none(geometry.width_max_pixels, 2),
        "area_pixels_pm": rounded_or_none(geometry.area_pixels_pm, 2),
        "length_pixels_pm": rounded_or_none(geometry.length_pixels_pm, 2),
        "width_pixels_pm": rounded_or_none(geometry.width_pixels_pm, 2),
        "width_reason": geometry.width_reason,
        "width_source": geometry.width_source,
        "kind": geometry.kind,
        "branches": geometry.branches,
    }
    if options.include_centre_lines:
        answer["centre_lines"] = [line.astype(float).round(1).tolist() for line in geometry.centre_lines]
    if physical is not None:
        return {**answer, **_physical(physical)}
    return answer


def _physical(physical: Physical) -> PhysicalAnswer:
    found = physical.width_class
    return {
        "length_mm": rounded(physical.length_mm, 2),
        "length_mm_pm": rounded(physical.length_mm_pm, 2),
        # A crack's width is limited to tenths of a millimetre: a hundredth would be a tenth of that.
        "width_mm": rounded_or_none(physical.width_mm, 3),
        "width_mm_pm": rounded_or_none(physical.width_mm_pm, 3),
        "width_p95_mm": rounded_or_none(physical.width_p95_mm, 3),
        "area_mm2": rounded(physical.area_mm2, 2),
        "area_mm2_pm": rounded(physical.area_mm2_pm, 2),
        "mm_per_pixel": rounded(physical.mm_per_pixel, 5),
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


def _mask(mask: Mask, written: WrittenMask | None, findings: Findings, form: MaskFormat) -> object:
    """Return a mask as it stands in the answer: as it was written beforehand, unless it is another format now."""
    if written is not None and written.form is form:
        return written.value
    return masks.encode(mask, form, findings.width, findings.height)
