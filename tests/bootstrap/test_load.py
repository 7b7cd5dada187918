from pathlib import Path

import pytest

from anomaly.bootstrap import load
from anomaly.errors import ConfigurationError, WeightsError
from anomaly.settings import Settings
from anomaly.types import Frame, Options
from tests.pictures import gradient
from tests.tiny import DEFECTS, tiny_rfdetr_checkpoint
from tests.tiny_sam import save_tiny_sam2


@pytest.fixture(scope="module")
def detector_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a tiny real RF-DETR with seven defect classes."""
    return tiny_rfdetr_checkpoint(tmp_path_factory.mktemp("weights") / "defects.pth")


@pytest.fixture(scope="module")
def coco_like_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a tiny real RF-DETR that knows everyday things only."""
    return tiny_rfdetr_checkpoint(tmp_path_factory.mktemp("weights") / "coco.pth", ("person", "car", "dog"))


@pytest.fixture(scope="module")
def sam_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a tiny real SAM 2.1."""
    return save_tiny_sam2(tmp_path_factory.mktemp("weights") / "sam.pt")


def settings(**values: object) -> Settings:
    """Return settings in which only `values` are set."""
    return Settings(**{"sam_model_path": "/nowhere/sam3.pt", **values})  # type: ignore[arg-type]


def test_the_whole_pipeline_runs_on_real_models(detector_weights: Path, sam_weights: Path) -> None:
    """A fine-tuned RF-DETR and SAM 2.1 turn a photograph into measured anomalies with the file's names."""
    loaded = load(
        settings(detector_weights=detector_weights, segmenter_backend="sam2", sam_model_path=sam_weights)
    )
    assert loaded.facts["detector"]["classes"] == tuple(DEFECTS)  # type: ignore[index]
    assert loaded.facts["segmenter"]["backend"] == "sam2"  # type: ignore[index]
    frame = Frame("a", gradient(320, 240), "digest")
    findings = loaded.pipeline.run(frame, Options(confidence_threshold=0.5))
    assert findings.anomalies
    assert {each.defect_type for each in findings.anomalies} <= set(DEFECTS)
    for each in findings.anomalies:
        assert each.mask is not None
        assert (each.geometry is None) is (each.mask.area == 0)
        if each.geometry is not None:
            assert each.geometry.area_pixels == each.mask.area


def test_boxes_only_have_no_geometry(detector_weights: Path) -> None:
    """With SEGMENTER_BACKEND=none anomalies have boxes and scores, and no geometry."""
    loaded = load(settings(detector_weights=detector_weights, segmenter_backend="none"))
    frame = Frame("a", gradient(320, 240), "digest")
    findings = loaded.pipeline.run(frame, Options(confidence_threshold=0.5))
    assert loaded.facts["segmenter"] is None
    assert findings.anomalies
    for each in findings.anomalies:
        assert (each.geometry, each.mask, each.segmentation_score) == (None, None, None)
        assert each.combined_score == each.detection_score


def test_a_detector_without_defects_gets_a_finder_beside_it(coco_like_weights: Path) -> None:
    """A detector that knows no defect is joined by the embedded default, and it is said; its own are not answered."""
    loaded = load(settings(detector_weights=coco_like_weights))
    assert "knows no defect" in loaded.facts["why"]["beside"]  # type: ignore[index]
    assert "crack" in loaded.facts["detector"]["classes"]  # type: ignore[index]
    frame = Frame("a", gradient(320, 240), "digest")
    findings = loaded.pipeline.run(frame, Options(confidence_threshold=0.0))
    assert {each.defect_type for each in findings.anomalies} <= {"crack"}


def test_the_number_of_classes_is_checked(detector_weights: Path) -> None:
    """A DETECTOR_NUM_CLASSES that the file does not have is refused with both numbers."""
    with pytest.raises(ConfigurationError, match="7"):
        load(settings(detector_weights=detector_weights, detector_num_classes=5, segmenter_backend="none"))


def test_a_variant_that_the_file_is_not_is_refused(detector_weights: Path) -> None:
    """A DETECTOR_VARIANT that was set and that the file is not is refused; the default does not count as set."""
    with pytest.raises(WeightsError, match="DETECTOR_VARIANT=medium"):
        load(settings(detector_weights=detector_weights, detector_variant="medium", segmenter_backend="none"))


def test_sam_2_stands_in_for_a_missing_sam_3(
    detector_weights: Path, sam_weights: Path, tmp_path: Path
) -> None:
    """SEGMENTER_BACKEND=sam3 without its file takes the SAM 2.1 beside it, and says so."""
    (tmp_path / "sam2.1_hiera_large.pt").write_bytes(sam_weights.read_bytes())
    loaded = load(
        settings(
            detector_weights=detector_weights, segmenter_backend="sam3", sam_model_path=tmp_path / "sam3.pt"
        )
    )
    assert loaded.facts["segmenter"]["backend"] == "sam2"  # type: ignore[index]
    assert "SAM 3" in loaded.facts["plan"]["reason"]  # type: ignore[index]


def test_sam_2_stands_in_for_an_unreadable_sam_3(
    detector_weights: Path, sam_weights: Path, tmp_path: Path
) -> None:
    """A damaged SAM 3 file is passed over for the SAM 2.1 beside it."""
    (tmp_path / "sam3.pt").write_bytes(b"damaged")
    (tmp_path / "sam2.1_hiera_large.pt").write_bytes(sam_weights.read_bytes())
    loaded = load(
        settings(
            detector_weights=detector_weights, segmenter_backend="sam3", sam_model_path=tmp_path / "sam3.pt"
        )
    )
    assert loaded.facts["segmenter"]["backend"] == "sam2"  # type: ignore[index]


def test_sam_without_any_file_is_an_error_that_says_so(detector_weights: Path) -> None:
    """A segmenter that was asked for by name and has no file at all ends the start."""
    with pytest.raises(WeightsError, match="SAM 3"):
        load(settings(detector_weights=detector_weights, segmenter_backend="sam3"))


def test_the_default_needs_nothing() -> None:
    """With no weights the embedded default is both detector and segmenter."""
    loaded = load(settings())
    assert loaded.pipeline.detector is loaded.pipeline.segmenter
    assert loaded.device()["device"] == "cpu"
    assert "Nothing is loaded that needs" in loaded.facts["plan"]["reason"]  # type: ignore[index]


def test_a_photograph_asked_again_costs_no_network(detector_weights: Path, sam_weights: Path) -> None:
    """With another threshold and other options the same file is known again; /info counts it."""
    loaded = load(
        settings(detector_weights=detector_weights, segmenter_backend="sam2", sam_model_path=sam_weights)
    )
    frame = Frame("a", gradient(320, 240), "digest")
    first = loaded.pipeline.run(frame, Options(confidence_threshold=0.5, tiling="off"))
    before = loaded.counts()["embeddings"]
    again = loaded.pipeline.run(
        Frame("b", gradient(320, 240), "digest"),
        Options(confidence_threshold=0.3, include_masks=True, tiling="off"),
    )
    after = loaded.counts()["embeddings"]
    assert {each.box for each in first.anomalies} <= {each.box for each in again.anomalies}
    assert isinstance(before, dict)
    assert isinstance(after, dict)
    assert (before["hits"], before["misses"]) == (0, 2)  # one for the detector, one for the segmenter
    assert (after["hits"], after["misses"], after["entries"]) == (2, 2, 2)
    assert 0 < after["size_bytes"] < after["limit_bytes"] == 256 * 2**20


def test_nothing_is_kept_where_it_is_not_wanted(detector_weights: Path) -> None:
    """EMBEDDING_CACHE_MB=0 turns keeping off."""
    loaded = load(settings(detector_weights=detector_weights, segmenter_backend="none", embedding_cache_mb=0))
    for _ in range(2):
        loaded.pipeline.run(Frame("a", gradient(320, 240), "digest"), Options(tiling="off"))
    kept = loaded.counts()["embeddings"]
    assert isinstance(kept, dict)
    assert (kept["hits"], kept["misses"], kept["entries"]) == (0, 2, 0)
