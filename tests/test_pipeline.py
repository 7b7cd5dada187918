from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from anomaly.backends import fake
from anomaly.bootstrap import tables
from anomaly.errors import MarkerNotFound
from anomaly.pipeline import Pipeline
from anomaly.types import Box, Detection, Frame, Image, Marker, ModelCard, Options, ScaleRequest, Tiles
from tests.pictures import gradient

FRAME = Frame("a", gradient(400, 300), "digest")


class Scripted:
    """A detector that finds what it is told on every image, and remembers how it was asked."""

    def __init__(self, *detections: Detection, resolution: int = 0) -> None:
        self.card = ModelCard(backend="scripted", details={"resolution": resolution} if resolution else {})
        self.detections = detections
        self.asked: list[tuple[list[tuple[int, ...]], float]] = []
        self.keys: list[str] = []

    def detect(
        self, images: Sequence[Image], threshold: float, keys: Sequence[str] = ()
    ) -> list[list[Detection]]:
        """Return the script's detections with a score of at least `threshold`."""
        self.keys += keys
        self.asked.append(([image.shape[:2] for image in images], threshold))
        return [[each for each in self.detections if each.score >= threshold] for _ in images]


def crack(score: float = 0.9, label: str = "crack", x: float = 10.0) -> Detection:
    """Return a detection of 100 x 50 pixels."""
    return Detection(Box(x, 20.0, x + 100.0, 70.0), label, score)


def pipeline(detector: Scripted, *, masks: bool = True) -> Pipeline:
    """Return a pipeline round `detector`, with the fake's masks or with none."""
    return Pipeline(detector, fake.load() if masks else None, tables.taxonomy(), tables.standards())


def test_a_detection_becomes_a_measured_anomaly() -> None:
    """Box, name, scores, mask and geometry of a detection come out in one anomaly."""
    [anomaly] = pipeline(Scripted(crack())).run(FRAME, Options()).anomalies
    assert (anomaly.defect_type, anomaly.structure_type) == ("crack", "unknown")
    assert anomaly.box == Box(10.0, 20.0, 110.0, 70.0)
    assert anomaly.mask is not None
    assert anomaly.geometry is not None
    assert anomaly.geometry.area_pixels == anomaly.mask.area
    assert anomaly.geometry.length_pixels == pytest.approx(np.hypot(100, 50), rel=0.1)
    assert anomaly.combined_score == pytest.approx(np.sqrt(0.9 * anomaly.mask.score))


def test_labels_get_this_products_names() -> None:
    """A synonym becomes the defect's name, a member becomes a structure, and everyday things are left out."""
    labels = ("Spallation", "ExposedRebars", "steel beam", "person", "gizmo")
    found = pipeline(Scripted(*(crack(0.9 - i / 10, label) for i, label in enumerate(labels)))).run(
        FRAME, Options()
    )
    assert [each.defect_type for each in found.anomalies] == ["spalling", "exposed_rebar", "gizmo"]
    assert [each.structure_type for each in found.structures] == ["beam"]
    assert {each.structure_type for each in found.anomalies} == {"beam"}
    assert {each.structure_id for each in found.anomalies} == {found.structures[0].id}


def test_requests_with_different_thresholds_share_a_batch() -> None:
    """The detector runs once, at the lowest threshold, and each photograph gets what passes its own."""
    detector = Scripted(crack(0.9), crack(0.5, x=200.0))
    built = pipeline(detector)
    views = [
        view
        for threshold in (0.3, 0.7)
        for view in built.prepare(FRAME, Options(confidence_threshold=threshold)).views
    ]
    assert [len(pieces) for pieces in built.look(views)] == [2, 1]
    assert [threshold for _, threshold in detector.asked] == [0.3]


def test_without_a_segmenter_there_is_no_geometry() -> None:
    """Boxes alone have no mask, no geometry and no second score."""
    [anomaly] = pipeline(Scripted(crack()), masks=False).run(FRAME, Options()).anomalies
    assert (anomaly.mask, anomaly.geometry, anomaly.segmentation_score) == (None, None, None)


def test_ids_are_of_content_and_unique() -> None:
    """The same photograph gives the same ids, another one others, and equal boxes do not share one."""
    built = pipeline(Scripted(crack(), crack()))
    first, again = (built.run(FRAME, Options()).anomalies for _ in range(2))
    other = built.run(replace(FRAME, digest="other"), Options()).anomalies
    assert [each.id for each in first] == [each.id for each in again]
    assert len({each.id for each in (*first, *other)}) == 4


def test_a_large_photograph_is_seen_in_tiles_and_whole() -> None:
    """Over twice the detector's side, the tiles are of that side, and the whole is looked at once more."""
    detector = Scripted(resolution=128)
    found = pipeline(detector).run(FRAME, Options())
    [(shapes, _)] = detector.asked
    assert shapes[0] == (300, 400)
    assert set(shapes[1:]) == {(128, 128)}
    assert found.tiles == len(shapes) - 1 > 4


def test_every_view_of_a_file_has_a_name_of_its_own() -> None:
    """The models are told which content they see: the same for the same file, none where it is not known."""
    options = Options(tiling=Tiles(200, 0))
    first, again, other, unknown = (Scripted(resolution=128) for _ in range(4))
    for detector, digest in ((first, "a"), (again, "a"), (other, "b"), (unknown, "")):
        pipeline(detector).run(Frame("frame", FRAME.image, digest), options)
    assert len(first.keys) == len({*first.keys}) == 5
    assert again.keys == first.keys
    assert {*other.keys}.isdisjoint(first.keys)
    assert {*unknown.keys} == {""}


@pytest.mark.parametrize(
    ("resolution", "tiling", "tiles"),
    [(0, "auto", 0), (300, "auto", 0), (128, "off", 0), (0, Tiles(200, 0), 4), (128, Tiles(500, 0), 0)],
)
def test_tiles_are_as_asked_for(resolution: int, tiling: object, tiles: int) -> None:
    """A detector that shrinks nothing, a small photograph and `off` take no tiles; a request is followed."""
    options = Options(tiling=tiling)  # type: ignore[arg-type]
    assert pipeline(Scripted(resolution=resolution)).run(FRAME, options).tiles == tiles


def test_what_a_tile_sees_comes_in_the_photographs_pixels() -> None:
    """Boxes and masks of tiles are shifted to where the tile lies."""
    built = pipeline(Scripted(crack()))
    views = built.prepare(FRAME, Options(tiling=Tiles(200, 0))).views
    for pieces, view in zip(built.look(views), views, strict=True):
        [piece] = pieces
        assert piece.box.x_min == 10.0 + view.box.x_min
        assert piece.mask is not None
        assert (piece.mask.x, piece.mask.y) == (10 + view.box.x_min, 20 + view.box.y_min)


def test_warming_up_touches_both_models() -> None:
    """Before the first caller the detector has run on as many photographs as a batch holds."""
    detector = Scripted(crack())
    pipeline(detector).warm(3)
    assert [len(shapes) for shapes, _ in detector.asked] == [3]


def test_a_scale_gives_millimetres_and_a_class() -> None:
    """With a scale each anomaly has its measures on the surface, and with a standard the class of its width."""
    options = Options(scale=ScaleRequest(mm_per_pixel=0.1), standard="EC2", exposure="XC3")
    [anomaly] = pipeline(Scripted(crack())).run(FRAME, options).anomalies
    assert anomaly.geometry is not None
    assert anomaly.physical is not None
    assert anomaly.physical.length_mm == pytest.approx(anomaly.geometry.length_pixels / 10, rel=0.01)
    assert anomaly.physical.width_class is not None
    assert anomaly.physical.width_class.limit_mm == 0.3
    [without] = pipeline(Scripted(crack())).run(FRAME, Options()).anomalies
    assert without.physical is None


def test_a_scale_that_cannot_be_found_is_said_before_the_models_look() -> None:
    """A marker that the photograph does not show fails the photograph in `prepare`."""
    options = Options(scale=ScaleRequest(marker=Marker("DICT_4X4_50", 100.0)))
    with pytest.raises(MarkerNotFound):
        pipeline(Scripted(crack())).prepare(FRAME, options)
