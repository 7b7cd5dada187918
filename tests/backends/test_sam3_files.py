"""SAM 3's files: which of them fit, and what is said of the others."""

import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from anomaly.backends import sam2, sam3
from anomaly.errors import ConfigurationError, WeightsError
from tests.tiny_sam3 import VOCABULARY, changed


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda state: {k: v for k, v in state.items() if k != "tracker.no_mem_embed"},
            "lacks no_mem_embed",
        ),
        (lambda state: {**state, "tracker.extra": torch.zeros(1)}, "has unknown extra"),
        (
            lambda state: {
                k.removeprefix("detector."): v for k, v in state.items() if k.startswith("detector.")
            },
            "is a fine-tuned SAM 3 detector without its box-prompt part",
        ),
        (
            lambda state: {k.replace("tracker.", "tracker.model.interactive_"): v for k, v in state.items()},
            "is a SAM 3.1 checkpoint",
        ),
        (lambda state: {"image_encoder.trunk.x": torch.zeros(1)}, "is a SAM 2 checkpoint"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(
    tmp_path: Path, sam3_weights: Path, change: Any, words: str
) -> None:
    """A file of another network, or with a weight missing or unknown, is refused with what it is."""
    path = changed(tmp_path / "a.pt", sam3_weights, change)
    with pytest.raises(WeightsError, match=words):
        sam3.load(weights=path, device="cpu", on_cpu=True)


def test_a_missing_weight_of_the_detector_is_refused(tmp_path: Path, sam3_weights: Path) -> None:
    """The part that finds words is held to its file as well."""
    lost = "detector.transformer.decoder.presence_token.weight"
    path = changed(
        tmp_path / "a.pt", sam3_weights, lambda state: {k: v for k, v in state.items() if k != lost}
    )
    words = sam3_weights.parent / VOCABULARY
    with pytest.raises(WeightsError, match=r"lacks transformer\.decoder\.presence_token\.weight"):
        sam3.load_with_concepts(weights=path, concepts=["crack"], vocabulary=words, device="cpu", on_cpu=True)


def test_files_are_told_apart(tmp_path: Path, sam3_weights: Path) -> None:
    """Whether a file is SAM 3's is told by its keys, here and by SAM 2's backend."""
    assert sam3.is_checkpoint(sam3_weights)
    assert sam2.size_of(sam3_weights) is None
    assert sam2.describe(sam3_weights) == "a SAM 3 checkpoint"
    torch.save({"image_encoder.trunk.x": torch.zeros(1)}, tmp_path / "a.pt")
    assert not sam3.is_checkpoint(tmp_path / "a.pt")


@pytest.mark.parametrize("missing", ["sam3", "triton"])
def test_what_is_not_installed_is_named(
    monkeypatch: pytest.MonkeyPatch, sam3_weights: Path, missing: str
) -> None:
    """Where the package, or what it imports without declaring it, is absent, the message says which."""
    if missing != "sam3":
        for name in [name for name in sys.modules if name.partition(".")[0] == "sam3"]:
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ConfigurationError, match=f"the package '{missing}' is not installed"):
        sam3.load(weights=sam3_weights, device="cpu", on_cpu=True)
