"""The data set that labelling tools read, held against pycocotools itself."""

import contextlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
from pycocotools.coco import COCO

from anomaly.report.coco import document
from tests.report.findings import bare, full, nothing

# pycocotools decodes masks in a way of which numpy 2 warns.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture
def loaded(tmp_path: Path) -> COCO:
    """Return what pycocotools makes of three photographs."""
    path = tmp_path / "coco.json"
    path.write_text(json.dumps(document([full(), nothing(), bare()])))
    with contextlib.redirect_stdout(io.StringIO()):
        return COCO(str(path))


def test_pycocotools_loads_it(loaded: COCO) -> None:
    """Photographs, categories and annotations are where pycocotools looks for them."""
    assert [each["file_name"] for each in loaded.loadImgs(loaded.getImgIds())] == [
        "left.jpg",
        "empty.jpg",
        "right.jpg",
    ]
    names = {each["name"]: each["supercategory"] for each in loaded.loadCats(loaded.getCatIds())}
    assert names == {"corrosion": "defect", "crack": "defect", "beam": "structure"}
    assert len(loaded.getAnnIds(imgIds=[1])) == 2
    assert loaded.getAnnIds(imgIds=[2]) == []


def test_a_mask_comes_back_pixel_for_pixel(loaded: COCO) -> None:
    """pycocotools decodes the very mask, its hole included, and its area is the mask's."""
    [crack] = loaded.loadAnns(loaded.getAnnIds(catIds=loaded.getCatIds(catNms=["crack"])))
    mask = full().anomalies[0].mask
    assert mask is not None
    expected = np.zeros((80, 100), bool)
    expected[20:40, 10:40] = mask.bitmap
    assert np.array_equal(loaded.annToMask(crack), expected)
    assert crack["area"] == mask.area
    assert crack["bbox"] == [10.0, 20.0, 30.0, 20.0]


def test_an_annotation_says_what_was_measured(loaded: COCO) -> None:
    """Score and measures stand beside COCO's own fields, and only what is known."""
    [crack] = loaded.loadAnns(loaded.getAnnIds(catIds=loaded.getCatIds(catNms=["crack"])))
    [stain] = loaded.loadAnns(loaded.getAnnIds(catIds=loaded.getCatIds(catNms=["corrosion"])))
    assert crack["attributes"]["length_mm"] == 13.0
    assert crack["score"] == pytest.approx(0.8485)
    assert stain["segmentation"] == []
    assert set(stain["attributes"]) == {
        "anomaly_id",
        "structure_type",
        "confidence_combined",
        "confidence_detection",
    }


def test_it_can_be_evaluated(loaded: COCO) -> None:
    """pycocotools scores the annotations against themselves, as results of a detector: a perfect match."""
    from pycocotools.cocoeval import COCOeval

    results = [
        {key: each[key] for key in ("image_id", "category_id", "bbox", "score")}
        for each in loaded.loadAnns(loaded.getAnnIds())
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        run = COCOeval(loaded, loaded.loadRes(results), "bbox")
        run.evaluate()
        run.accumulate()
        run.summarize()
    assert run.stats[0] == pytest.approx(1.0)


def test_file_names_may_be_given() -> None:
    """A photograph's file may have another name than its frame; there must be one for each."""
    assert document([full()], ["a/b.jpg"])["images"][0]["file_name"] == "a/b.jpg"
    with pytest.raises(ValueError, match="shorter"):
        document([full()], [])
