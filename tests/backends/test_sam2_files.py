"""SAM 2 weights files: what they are is read from them, and what does not fit is refused."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.overrides import TorchFunctionMode

from anomaly.backends import sam2
from anomaly.backends.device import import_torchvision
from anomaly.errors import ConfigurationError, WeightsError
from anomaly.types import Box
from tests.tiny_sam import ARCHITECTURE, save_tiny_sam2


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The content of a tiny checkpoint."""
    path = save_tiny_sam2(tmp_path_factory.mktemp("sam2") / "tiny_sam2.pt")
    yield torch.load(path, weights_only=True)
    path.unlink()


def saved(path: Path, state: dict[str, Any], **more: Any) -> Path:
    """Save a state dict as Meta does."""
    torch.save({"model": state, **more}, path)
    return path


class LinspaceOnCpu(TorchFunctionMode):
    """The package takes numbers out of a `linspace`, which has none on the meta device."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Send one function to the processor and all others where they go."""
        given = kwargs or {}
        return func(*args, **(given | {"device": "cpu"} if func is torch.linspace else given))


def hollow(path: Path, version: str, letter: str) -> Path:
    """Save a checkpoint of a published size: its true keys and shapes, all zeros of one stored number."""
    import_torchvision()
    from sam2.build_sam import build_sam2

    with torch.device("meta"), LinspaceOnCpu():
        network = build_sam2(f"configs/sam{version}/sam{version}_hiera_{letter}.yaml", None, device="meta")
    zero = torch.zeros(())
    return saved(path, {key: zero.expand(value.shape) for key, value in network.state_dict().items()})


@pytest.mark.parametrize("version", ["2.1", "2"])
@pytest.mark.parametrize(
    ("letter", "size"), [("l", "large"), ("b+", "base_plus"), ("s", "small"), ("t", "tiny")]
)
def test_a_published_file_is_told_by_its_weights(
    tmp_path: Path, version: str, letter: str, size: str
) -> None:
    """Version and size are read from the keys and shapes, whatever the file is called."""
    path = hollow(tmp_path / "weights.pt", version, letter)
    assert sam2.describe(path) == f"a SAM {version} {size} checkpoint"
    assert sam2.size_of(path) == size
    other = "tiny" if size != "tiny" else "large"
    with pytest.raises(WeightsError, match=f"is a SAM {version} {size} checkpoint, but the size '{other}'"):
        sam2.load(weights=path, size=other, device="cpu")


def test_a_published_size_is_built_and_filled(tmp_path: Path) -> None:
    """A file of SAM 2.1 tiny loads with and without its size being asked for."""
    path = hollow(tmp_path / "weights.pt", "2.1", "t")
    card = sam2.load(weights=path, size="tiny", device="cpu").card
    assert (card.variant, card.details["image_size"]) == ("tiny", 1024)
    assert card.details["parameters"] == 38_962_498


def test_sam_2_before_2_1_is_read(tmp_path: Path) -> None:
    """A checkpoint of the first SAM 2, with fewer weights, is told apart and segments."""
    path = save_tiny_sam2(tmp_path / "old.pt", version="2")
    assert sam2.describe(path) == "a SAM 2 custom checkpoint"
    segmenter = sam2.load(weights=path, device="cpu")
    assert segmenter.card.details["version"] == "2"
    picture = torch.randint(0, 256, (60, 70, 3), dtype=torch.uint8).numpy()
    assert segmenter.segment([picture], [[Box(5, 5, 40, 40)]])[0][0].bitmap.shape == (35, 35)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda state: state.pop("sam_mask_decoder.iou_token.weight"), "lacks sam_mask_decoder.iou_token.we"),
        (lambda state: state.update(extra=torch.zeros(1)), "has unknown extra"),
        (lambda state: state.update(no_mem_embed=torch.zeros(1, 1, 7)), "another shape for no_mem_embed"),
    ],
)
def test_a_layer_is_never_left_random(tmp_path: Path, tiny: dict[str, Any], change: Any, words: str) -> None:
    """A weight that is missing, unknown or of another shape is refused by name."""
    state = dict(tiny["model"])
    change(state)
    path = saved(tmp_path / "a.pt", state, architecture=tiny["architecture"])
    with pytest.raises(WeightsError, match=words):
        sam2.load(weights=path, device="cpu")


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (["detector.backbone.vision_backbone.trunk.pos_embed", "tracker.no_mem_embed"], "a SAM 3 checkpoint"),
        (["image_encoder.blocks.0.norm1.weight", "mask_decoder.iou_token.weight"], "a SAM 1 checkpoint"),
        (["backbone.0.encoder.encoder.layernorm.weight"], "an RF-DETR checkpoint"),
    ],
)
def test_another_networks_file_is_named(tmp_path: Path, keys: list[str], words: str) -> None:
    """The weights of another network are refused with what they are."""
    path = saved(tmp_path / "a.pt", dict.fromkeys(keys, torch.zeros(1)))
    assert sam2.size_of(path) is None
    assert sam2.describe(path) == words
    with pytest.raises(WeightsError, match=f"is {words}. Expected a SAM 2.1 or SAM 2 checkpoint"):
        sam2.load(weights=path, device="cpu")


def test_an_unknown_size_is_refused(tmp_path: Path, tiny: dict[str, Any]) -> None:
    """A network of none of the published sizes, in a file that does not say its shape, is refused."""
    path = saved(tmp_path / "a.pt", tiny["model"])
    with pytest.raises(WeightsError, match=r"unknown size \(width 16, 5 blocks\)"):
        sam2.load(weights=path, device="cpu")


@pytest.mark.parametrize(
    "architecture",
    [
        {"_target_": "os.system"},
        {"image_size": "${oc.env:HOME}"},
        {"image_size": True},
        {"image_size": 128.5},
        {"stages": []},
        {"stages": [1, [2]]},
        {"embed_dim": -16},
        {"embed_dim": [16]},
        {"image_size": 1 << 40},
        "large",
    ],
)
def test_an_architecture_is_numbers_and_nothing_else(
    tmp_path: Path, tiny: dict[str, Any], architecture: Any
) -> None:
    """What a file says of its shape is whole numbers under known names, or the file is refused."""
    path = saved(tmp_path / "a.pt", tiny["model"], architecture=architecture)
    with pytest.raises(WeightsError, match="is not understood"):
        sam2.load(weights=path, device="cpu")


@pytest.mark.parametrize(
    "change",
    [{"num_heads": 5}, {"stages": [1, 1]}, {"stages": [1, 1, 1, 1]}, {"image_size": 100}, {"embed_dim": 24}],
)
def test_an_impossible_architecture_is_refused(
    tmp_path: Path, tiny: dict[str, Any], change: dict[str, Any]
) -> None:
    """Numbers that no SAM 2 can have are refused, not passed on to fail later."""
    path = saved(tmp_path / "a.pt", tiny["model"], architecture={**ARCHITECTURE, **change})
    with pytest.raises(WeightsError):
        sam2.load(weights=path, device="cpu")


def test_an_unknown_size_cannot_be_asked_for(tmp_path: Path) -> None:
    """A size that SAM 2 does not come in is a fault of the settings, said before the file is read."""
    with pytest.raises(ConfigurationError, match="use large, base_plus, small, tiny or auto"):
        sam2.load(weights=tmp_path / "absent.pt", size="huge", device="cpu")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """A path without a file is refused with the file's name."""
    for refuse in (sam2.describe, sam2.size_of, lambda path: sam2.load(weights=path, device="cpu")):
        with pytest.raises(WeightsError, match=r"There is no weights file 'absent\.pt'"):
            refuse(tmp_path / "absent.pt")
