"""Findings as a COCO data set, which labelling tools and pycocotools read.

Boxes are [x, y, width, height], masks are compressed run lengths (exact, holes included). Beside COCO's own
fields an annotation has its `score` and, in `attributes`, what was measured.
See https://cocodataset.org/#format-data.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from anomaly.imaging import masks
from anomaly.report.row import measures
from anomaly.types import Box, Findings, Mask

Document = dict[str, Any]
"""JSON: `info`, `images`, `annotations`, `categories`."""


def document(findings: Iterable[Findings], file_names: Sequence[str] | None = None) -> Document:
    """Return one data set of these photographs, in order, those without a defect too.

    `file_names` are those of the photographs, their `frame_id` where left out. Defects are categories of the
    supercategory "defect", structures of "structure"; categories are numbered by name, from 1. An annotation
    without a mask has an empty `segmentation`. Raises ValueError where there are not as many names as photographs.
    """
    photos = list(findings)
    names = [each.frame_id for each in photos] if file_names is None else list(file_names)
    numbers = _categories(photos)
    annotations: list[dict[str, Any]] = []
    images = []
    for image_id, (photo, name) in enumerate(zip(photos, names, strict=True), start=1):
        images.append({"id": image_id, "width": photo.width, "height": photo.height, "file_name": name})
        for each in _annotations(photo, numbers):
            annotations.append({"id": len(annotations) + 1, "image_id": image_id, **each})
    return {
        "info": {"description": "Defects of structures, found by machine", "version": "1.0"},
        "licenses": [],
        "images": images,
        "annotations": annotations,
        "categories": [
            {"id": number, "name": name, "supercategory": kind} for (kind, name), number in numbers.items()
        ],
    }


def _categories(photos: Sequence[Findings]) -> dict[tuple[str, str], int]:
    defects = {("defect", each.defect_type) for photo in photos for each in photo.anomalies}
    structures = {("structure", each.structure_type) for photo in photos for each in photo.structures}
    return {key: number for number, key in enumerate([*sorted(defects), *sorted(structures)], start=1)}


def _annotations(photo: Findings, numbers: dict[tuple[str, str], int]) -> Iterable[dict[str, Any]]:
    for anomaly in photo.anomalies:
        known = {name: value for name, value in measures(anomaly).items() if value is not None}
        yield {
            "category_id": numbers["defect", anomaly.defect_type],
            **_place(anomaly.box, anomaly.mask, photo),
            "score": round(float(anomaly.combined_score), 4),
            "attributes": {"anomaly_id": anomaly.id, **known},
        }
    for structure in photo.structures:
        yield {
            "category_id": numbers["structure", structure.structure_type],
            **_place(structure.box, structure.mask, photo),
            "score": round(float(structure.score), 4),
            "attributes": {"structure_id": structure.id},
        }


def _place(box: Box, mask: Mask | None, photo: Findings) -> dict[str, Any]:
    sides = (box.x_min, box.y_min, box.width, box.height)
    return {
        "bbox": [round(float(each), 2) for each in sides],
        "area": round(float(box.area), 2) if mask is None else mask.area,
        "segmentation": [] if mask is None else masks.rle(mask, photo.width, photo.height),
        "iscrowd": 0,
    }
