"""Weights files: read safely, named for what they are, and used to the last key."""

import json
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from anomaly.backends.checkpoint import family, fill, open_checkpoint, undrawn
from anomaly.errors import WeightsError

EXPECTED = "a SAM 2.1 checkpoint"


def network() -> torch.nn.Module:
    """A network of three parameters and a table that it computes."""
    module = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.LayerNorm(2))
    torch.nn.init.trunc_normal_(module[0].weight, std=0.02)
    module[0].bias.data.uniform_().mul_(2).add_(-1).clamp_(-0.5, 0.5)
    module.register_buffer("table", torch.arange(3))
    return module


def saved(path: Path, content: object) -> Path:
    """Save `content` with torch."""
    torch.save(content, path)
    return path


@pytest.mark.parametrize("wrap", [dict, lambda state: {"model": state}, lambda state: {"state_dict": state}])
@pytest.mark.parametrize("lazily", [False, True])
def test_tensors_are_found_where_trainers_put_them(
    tmp_path: Path, wrap: Callable[[object], object], lazily: bool
) -> None:
    """A state dict is found at the top, under "model" and under "state_dict"."""
    state = network().state_dict()
    checkpoint = open_checkpoint(saved(tmp_path / "a.pt", wrap(state)), EXPECTED, lazily=lazily)
    assert checkpoint.name == "a.pt"
    assert list(checkpoint.tensors) == list(state)
    torch.testing.assert_close(checkpoint.tensors["0.weight"], state["0.weight"])


def test_torchs_older_format_is_read(tmp_path: Path) -> None:
    """A file in the format before zip archives is read too, and looked at too."""
    state = network().state_dict()
    torch.save({"model": state}, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    for lazily in (False, True):
        assert list(open_checkpoint(tmp_path / "old.pt", EXPECTED, lazily=lazily).tensors) == list(state)


def write(path: Path, content: bytes) -> None:
    """Write bytes."""
    path.write_bytes(content)


def cut_off(path: Path) -> None:
    """Write the first half of a checkpoint."""
    saved(path, {"model": network().state_dict()})
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def other_zip(path: Path) -> None:
    """Write a zip archive of a text."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "not weights")


def safetensors(path: Path) -> None:
    """Write the smallest safetensors file."""
    header = json.dumps({"__metadata__": {}}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "There is no weights file 'a.pt'"),
        (lambda path: path.mkdir(), "is a folder"),
        (lambda path: write(path, b""), "is empty"),
        (lambda path: write(path, b"version https://git-lfs.github.com/spec/v1\n"), "Git LFS pointer"),
        (lambda path: write(path, b"\n<!DOCTYPE html><title>404</title>"), "web page"),
        (lambda path: write(path, bytes(range(256)) * 40), "not a checkpoint that torch can read"),
        (lambda path: write(path, b"x"), "not a checkpoint that torch can read"),
        (cut_off, "cut off or damaged"),
        (other_zip, "a zip archive without a checkpoint in it"),
        (safetensors, "a safetensors file"),
        (lambda path: write(path, pickle.dumps({"a": 1})), "not a checkpoint that torch can read"),
        (lambda path: saved(path, {"model": {"epoch": 3}}), "holds no tensors"),
        (lambda path: saved(path, [torch.zeros(1)]), "holds no tensors"),
    ],
)
@pytest.mark.parametrize("lazily", [False, True])
def test_what_is_no_checkpoint_is_named(
    tmp_path: Path, make: Callable[[Path], object], words: str, lazily: bool
) -> None:
    """A file that is not a checkpoint is refused with what it is and what was expected, without its folder."""
    path = tmp_path / "a.pt"
    make(path)
    with pytest.raises(WeightsError) as caught:
        open_checkpoint(path, EXPECTED, lazily=lazily)
    assert words in str(caught.value)
    assert EXPECTED in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


class Trap:
    """An object that makes a folder when it is unpickled."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (self.folder,)


@pytest.mark.parametrize("lazily", [False, True])
def test_objects_in_a_checkpoint_are_not_made(tmp_path: Path, lazily: bool) -> None:
    """A checkpoint that would run code is refused, and the code does not run."""
    trap = tmp_path / "sprung"
    path = saved(tmp_path / "a.pt", {"model": network().state_dict(), "trainer": Trap(str(trap))})
    with pytest.raises(WeightsError, match="holds objects beside tensors"):
        open_checkpoint(path, EXPECTED, lazily=lazily)
    assert not trap.exists()


@pytest.mark.parametrize(
    ("keys", "what"),
    [
        (["detector.backbone.vision_backbone.trunk.pos_embed", "tracker.no_mem_embed"], "a SAM 3 checkpoint"),
        (["detector.backbone.x", "tracker.model.interactive_sam_mask_decoder.x"], "a SAM 3.1 checkpoint"),
        (["backbone.vision_backbone.trunk.pos_embed"], "a fine-tuned SAM 3 detector"),
        (["image_encoder.trunk.pos_embed"], "a SAM 2 checkpoint"),
        (["image_encoder.blocks.0.norm1.weight"], "a SAM 1 checkpoint"),
        (["backbone.0.encoder.encoder.layernorm.weight"], "an RF-DETR checkpoint"),
        (["a", "b", "c", "d", "e"], "another network (keys such as a, b, c and 2 more)"),
    ],
)
def test_keys_tell_whose_weights_they_are(keys: list[str], what: str) -> None:
    """The network that weights belong to is told from their keys."""
    assert what in family(dict.fromkeys(keys, torch.zeros(1)))


def test_every_weight_is_taken_from_the_file() -> None:
    """A network built without drawing its weights is, once filled, the one that was saved."""
    state = network().state_dict()
    before = torch.get_rng_state()
    with undrawn():
        built = network()
    assert torch.equal(torch.get_rng_state(), before)
    fill(built, state, name="a.pt")
    for key, value in built.state_dict().items():
        assert torch.equal(value, state[key])


def test_keys_that_do_not_fit_are_named() -> None:
    """Missing, unknown and misshapen weights are refused by name, and nothing is copied."""
    built = network()
    before = {key: value.clone() for key, value in built.state_dict().items()}
    state = {key: value + 1 for key, value in before.items()}
    del state["0.bias"]
    state["1.weight"] = torch.zeros(9)
    state["head.weight"] = torch.zeros(1)
    with pytest.raises(WeightsError) as caught:
        fill(built, state, name="a.pt")
    message = str(caught.value)
    assert "lacks 0.bias" in message
    assert "has unknown head.weight" in message
    assert "has another shape for 1.weight" in message
    assert all(torch.equal(value, before[key]) for key, value in built.state_dict().items())


def test_a_long_list_of_keys_is_counted() -> None:
    """Of many missing weights three are named."""
    with pytest.raises(WeightsError, match=r"lacks table, 0\.weight, 0\.bias and 2 more"):
        fill(network(), {}, name="a.pt")


def test_what_a_network_computes_may_be_missing() -> None:
    """A table that the network computes for itself need not be in the file."""
    built, state = network(), network().state_dict()
    del state["table"]
    fill(built, state, name="a.pt", computed=("table",))
    assert torch.equal(built.state_dict()["table"], torch.arange(3))
    assert torch.equal(built.state_dict()["0.weight"], state["0.weight"])
