"""One defect as flat, named values: a line of a table, or the attributes of an annotation.

Rounded as in the JSON answer, to what the numbers can mean: pixels to a hundredth, scores to 1e-4, widths in
millimetres to a thousandth.
"""

from collections.abc import Iterator

from anomaly.types import Anomaly, Findings, Geometry, Physical

Value = str | int | float | None

MEASURES = (
    "structure_type", "structure_id", "structure_ioa",
    "confidence_combined", "confidence_detection", "confidence_segmentation",
    "kind", "branches", "area_pixels", "area_pixels_pm", "length_pixels", "length_pixels_pm", "width_pixels",
    "width_pixels_pm", "width_p95_pixels", "width_max_pixels", "width_reason", "width_source", "orientation_degrees",
    "length_mm", "length_mm_pm", "width_mm", "width_mm_pm", "width_p95_mm", "area_mm2", "area_mm2_pm",
    "mm_per_pixel", "scale_source", "standard", "exposure", "limit_mm", "width_class", "width_class_reason",
)  # fmt: skip
"""What is said of a defect beside its photo, its type and its box; None where nothing is known."""

COLUMNS = (
    "frame_id", "image_width", "image_height", "anomaly_id", "defect_type",
    "x_min", "y_min", "x_max", "y_max", *MEASURES,
)  # fmt: skip
"""All names, in the order in which a table has them."""


def rows(findings: Findings) -> Iterator[dict[str, Value]]:
    """Yield each defect of a photograph, in the order of the answer, with every name of `COLUMNS`."""
    for anomaly in findings.anomalies:
        box = anomaly.box
        yield {
            "frame_id": findings.frame_id,
            "image_width": findings.width,
            "image_height": findings.height,
            "anomaly_id": anomaly.id,
            "defect_type": anomaly.defect_type,
            "x_min": _to(box.x_min, 2),
            "y_min": _to(box.y_min, 2),
            "x_max": _to(box.x_max, 2),
            "y_max": _to(box.y_max, 2),
            **measures(anomaly),
        }


def measures(anomaly: Anomaly) -> dict[str, Value]:
    """Return what is known of one defect, under every name of `MEASURES`."""
    known = {
        "structure_type": anomaly.structure_type,
        "structure_id": anomaly.structure_id,
        "structure_ioa": _to(anomaly.structure_ioa, 4),
        "confidence_combined": _to(anomaly.combined_score, 4),
        "confidence_detection": _to(anomaly.detection_score, 4),
        "confidence_segmentation": _to(anomaly.segmentation_score, 4),
    }
    if anomaly.geometry is not None:
        known |= _pixels(anomaly.geometry)
    if anomaly.physical is not None:
        known |= _millimetres(anomaly.physical)
    return {name: known.get(name) for name in MEASURES}


def _pixels(geometry: Geometry) -> dict[str, Value]:
    return {
        "kind": geometry.kind,
        "branches": geometry.branches,
        "area_pixels": int(geometry.area_pixels),
        "area_pixels_pm": _to(geometry.area_pixels_pm, 2),
        "length_pixels": _to(geometry.length_pixels, 2),
        "length_pixels_pm": _to(geometry.length_pixels_pm, 2),
        "width_pixels": _to(geometry.width_pixels, 2),
        "width_pixels_pm": _to(geometry.width_pixels_pm, 2),
        "width_p95_pixels": _to(geometry.width_p95_pixels, 2),
        "width_max_pixels": _to(geometry.width_max_pixels, 2),
        "width_reason": geometry.width_reason,
        "width_source": geometry.width_source,
        "orientation_degrees": round(float(geometry.orientation_degrees), 2) % 180.0,
    }


def _millimetres(physical: Physical) -> dict[str, Value]:
    known: dict[str, Value] = {
        "length_mm": _to(physical.length_mm, 2),
        "length_mm_pm": _to(physical.length_mm_pm, 2),
        "width_mm": _to(physical.width_mm, 3),
        "width_mm_pm": _to(physical.width_mm_pm, 3),
        "width_p95_mm": _to(physical.width_p95_mm, 3),
        "area_mm2": _to(physical.area_mm2, 2),
        "area_mm2_pm": _to(physical.area_mm2_pm, 2),
        "mm_per_pixel": _to(physical.mm_per_pixel, 5),
        "scale_source": physical.source,
    }
    if physical.width_class is not None:
        known |= {
            "standard": physical.width_class.standard,
            "exposure": physical.width_class.exposure,
            "limit_mm": physical.width_class.limit_mm,
            "width_class": physical.width_class.name,
            "width_class_reason": physical.width_class.reason,
        }
    return known


def _to(value: float | None, digits: int) -> float | None:
    return None if value is None else round(float(value), digits)
