import csv
import io
import json

import numpy as np
import pytest
from pycocotools import mask as coco

from tests.serving.page.desk import SAMPLE, Desk, filled, near, pixels

# pycocotools 2.0.11 decodes in a way that numpy 2 deprecates.
pytestmark = [
    pytest.mark.xdist_group("browser"),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


def test_json_is_the_answer(desk: Desk) -> None:
    """The JSON of one photo is the server's answer, with the file's name and the threshold beside it."""
    answer = desk.drop()
    assert json.loads(desk.download("JSON")) == {
        **answer,
        "file_name": "crack.jpg",
        "confidence_threshold": 0.3,
    }


def test_downloads_hold_what_is_shown(desk: Desk) -> None:
    """What the threshold hides is in no file, and several photos make a batch of the API's shape."""
    answer = desk.drop(name="one.jpg")
    desk.drop(name="two.jpg")
    desk.set_threshold(0.8)
    kept = [each for each in answer["anomalies"] if each["confidence"]["detection"] >= 0.8]
    assert 0 < len(kept) < 7
    one = json.loads(desk.download("JSON"))
    assert (one["anomalies"], one["anomaly_count"]) == (kept, len(kept))
    assert all(each["confidence"] >= 0.8 for each in one["structures"])
    desk.page.get_by_role("button", name="All 2 photos").click()
    batch = json.loads(desk.download("JSON"))
    assert (batch["image_count"], batch["error_count"]) == (2, 0)
    assert [each["file_name"] for each in batch["results"]] == ["one.jpg", "two.jpg"]
    rows = list(csv.DictReader(io.StringIO(desk.download("CSV").decode())))
    assert [row["anomaly_id"] for row in rows] == [each["anomaly_id"] for each in kept] * 2


def test_csv_has_a_row_for_each_defect(desk: Desk) -> None:
    """Each row holds the answered numbers, and a name that a spreadsheet would run is made harmless."""
    answer = desk.drop(name='=1+1,"two".jpg')
    rows = list(csv.DictReader(io.StringIO(desk.download("CSV").decode(), newline="")))
    assert len(rows) == 7
    for row, anomaly in zip(rows, answer["anomalies"], strict=True):
        assert row["file_name"] == '\'=1+1,"two".jpg'
        assert row["defect_type"] == anomaly["defect_type"]
        assert float(row["confidence"]) == anomaly["confidence"]["combined"]
        assert {name: float(row[name]) for name in anomaly["bbox"]} == anomaly["bbox"]
        for name in (
            "length_pixels",
            "width_pixels",
            "area_pixels",
            "orientation_degrees",
            "width_pixels_pm",
        ):
            assert float(row[name]) == anomaly["geometry"][name]
        assert row["length_mm"] == ""


def test_coco_has_the_very_masks(desk: Desk) -> None:
    """Run lengths, boxes, areas and categories say what the answer says, pixel for pixel."""
    answer = desk.drop()
    dataset = json.loads(desk.download("COCO"))
    width, height = answer["image_size"].values()
    assert dataset["images"] == [{"id": 1, "file_name": "crack.jpg", "width": width, "height": height}]
    names = {each["id"]: each["name"] for each in dataset["categories"]}
    for note, anomaly in zip(dataset["annotations"], answer["anomalies"], strict=True):
        assert names[note["category_id"]] == anomaly["defect_type"]
        decoded = coco.decode(note["segmentation"]).astype(bool)
        assert (decoded == filled(anomaly["mask"], width, height)).all()
        assert note["area"] == decoded.sum() == anomaly["geometry"]["area_pixels"]
        box = anomaly["bbox"]
        assert note["bbox"] == pytest.approx(
            [box["x_min"], box["y_min"], box["x_max"] - box["x_min"], box["y_max"] - box["y_min"]], abs=0.006
        )


def test_the_annotated_photo_is_the_photo_with_what_is_drawn(desk: Desk) -> None:
    """In the photo's own resolution its pixels are changed in the masks and nowhere else, once labels are off."""
    answer = desk.drop()
    desk.layers("masks")
    drawn = pixels(desk.download("PNG"))
    photo = pixels(SAMPLE.read_bytes())
    assert drawn.shape == photo.shape
    height, width = photo.shape[:2]
    masks = np.any([filled(each["mask"], width, height) for each in answer["anomalies"]], axis=0)
    changed = np.abs(drawn - photo).max(axis=2) > 12
    assert changed[masks].mean() > 0.98
    assert not changed[~near(masks, 2)].any()
