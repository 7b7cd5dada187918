import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from anomaly.types import Box, Detection, Mask
from benchmarks import cracks, photographs
from benchmarks.cracks import Found
from benchmarks.photographs import Labelled


def found(drawn: Box, score: float = 0.9, marked: Box | None = None) -> Found:
    """Return a photograph of 100 x 100 px with a crack at `marked`, and an answer whose mask fills `drawn`."""
    crack = np.zeros((100, 100), np.bool_)
    if marked:
        crack[int(marked.y_min) : int(marked.y_max), int(marked.x_min) : int(marked.x_max)] = True
    photo = Labelled(np.zeros((100, 100, 3), np.uint8), crack, (marked,) if marked else ())
    bitmap = np.ones((int(drawn.height), int(drawn.width)), np.bool_)
    mask = Mask(bitmap, int(drawn.x_min), int(drawn.y_min), 1.0)
    return Found(photo, [Detection(drawn, "crack", score)], [mask], 0.0)


CRACK = Box(10, 50, 90, 54)


def test_a_perfect_mask_has_perfect_figures():
    """Precision, recall and F1 are 1 at every tolerance."""
    for tolerance in cracks.TOLERANCES:
        figures = cracks.pixels([found(CRACK, marked=CRACK)], 0.3, tolerance)
        assert figures == {"precision": 1.0, "recall": 1.0, "f1": pytest.approx(1.0)}


def test_a_shifted_mask_is_right_within_its_shift():
    """Two pixels aside, half of a crack of 4 px is hit exactly and all of it within 2 px."""
    shifted = [found(Box(10, 52, 90, 56), marked=CRACK)]
    assert cracks.pixels(shifted, 0.3, 0)["precision"] == pytest.approx(0.5)
    assert cracks.pixels(shifted, 0.3, 2)["recall"] == 1.0


def test_what_scores_too_low_is_left_out():
    """Below the threshold nothing is drawn, and nothing is a false alarm."""
    assert cracks.pixels([found(CRACK, 0.2, CRACK)], 0.3, 2)["recall"] == 0
    assert cracks.false_alarms([found(CRACK, 0.2), found(CRACK, 0.4), found(Box(0, 0, 20, 20))], 0.3) == 1 / 3


def test_a_box_is_found_where_half_of_its_longer_side_is_spanned():
    """A third of the side does not count, two thirds do."""
    assert cracks.spanned([found(Box(10, 50, 36, 54), marked=CRACK)], 0.3) == 0
    assert cracks.spanned([found(Box(10, 50, 64, 54), marked=CRACK)], 0.3) == 1


def test_calibration_counts_what_lies_on_a_crack():
    """Two answers with the same score, one of them on a crack: one half."""
    both = [found(CRACK, 0.75, CRACK), found(Box(10, 5, 90, 9), 0.78, CRACK)]
    assert cracks.calibration(both) == [{"from": 0.7, "detections": 2, "cracks": 0.5}]


def test_a_folder_of_photographs_is_measured_from_end_to_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """The table names the backend, the JSON holds its figures, and kinds that are missing are left out."""
    for kind in ("images", "masks"):
        (tmp_path / "pavement" / kind).mkdir(parents=True)
    grey = np.full((200, 300), 170, np.uint8)
    path = np.array([[20, 100], [90, 92], [150, 108], [220, 96], [280, 104]])
    marks = cv2.polylines(np.zeros_like(grey), [path], False, 255, 5)
    cv2.imwrite(str(tmp_path / "pavement/images/1.jpg"), np.where(marks > 0, 50, grey).astype(np.uint8))
    cv2.imwrite(str(tmp_path / "pavement/masks/1.png"), marks)
    out = tmp_path / "figures.json"
    assert cracks.main(["--data", str(tmp_path), "--backends", "ridge", "--out", str(out)]) == 0
    figures = json.loads(out.read_text())["backends"]["ridge"]
    assert figures["hits"] == 1
    assert figures["pixels"]["2"]["f1"] > 0.9
    assert figures["ms_per_megapixel"] > 0
    assert "boxes" not in figures
    assert "pavement, f1 within 2 px" in capsys.readouterr().out


def test_a_folder_without_photographs_is_skipped_aloud(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Nothing is measured, and the program says why."""
    assert cracks.main(["--data", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("skipped:")


def test_boxes_of_cracks_are_read_by_their_name(tmp_path: Path):
    """YOLO boxes become pixels; boxes of other classes are no cracks."""
    for kind in ("images", "labels"):
        (tmp_path / "bridge/train" / kind).mkdir(parents=True)
    (tmp_path / "bridge/classes.yaml").write_text("nc: 2\nnames: ['leakage', 'crack']\n")
    cv2.imwrite(str(tmp_path / "bridge/train/images/a.jpg"), np.zeros((50, 200, 3), np.uint8))
    (tmp_path / "bridge/train/labels/a.txt").write_text("1 0.5 0.5 0.5 0.2\n0 0.1 0.1 0.1 0.1\n")
    (photo,) = photographs.bridges(tmp_path)
    assert photo.boxes == (Box(50.0, 20.0, 150.0, 30.0),)


def test_every_finder_is_held_to_one_thread():
    """The table speaks of one core, so a finder that could use more is loaded with one thread."""
    session = cracks._load("starter")._network._session
    assert session.get_session_options().intra_op_num_threads == 1
    assert cracks._load("ridge").card.backend == "ridge"
