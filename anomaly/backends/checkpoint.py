"""Open a weights file safely, say what it is, and fill a network with it to the last key.

A weights file is data: it is read with torch's `weights_only`, never unpickled into objects, and what
does not fit is refused. Importing this module imports no torch.
"""

import logging
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anomaly.errors import WeightsError

log = logging.getLogger(__name__)

_NAMED = 3  # that many keys are named in a message, the rest are counted

# Beginnings of files that are given in place of weights, by mistake or by a failed download.
_MISTAKEN = (
    (b"version https://git-lfs", "a Git LFS pointer (the file itself was not fetched)"),
    (b"<!doctype html", "a web page (the download failed)"),
    (b"<html", "a web page (the download failed)"),
    (b"<?xml", "an XML document (the download failed)"),
    (b"\x89hdf", "an HDF5 file"),
    (b"gguf", "a GGUF file"),
)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A weights file that was read: `name` of the file, its `tensors` by key, `content` as it lay in it."""

    name: str
    tensors: Mapping[str, Any]
    content: Mapping[str, Any]


def open_checkpoint(path: Path, expected: str, *, lazily: bool = False) -> Checkpoint:
    """Read the weights file at `path`, which should be `expected` ("a SAM 2.1 checkpoint").

    Tensors lie under "model", under "state_dict" or at the top, and come to the CPU. With `lazily` they
    stay on the disk until they are used: enough to look at keys and shapes, in milliseconds. Raises
    `WeightsError` for a file that is missing, damaged, not a checkpoint, or holds more than data.
    """
    import torch

    name = path.name
    wanted = f"Expected {expected} as published, a .pt file"
    if not path.exists():
        raise WeightsError(f"There is no weights file {name!r}. {wanted}: check the path and the volume.")
    if not path.is_file():
        raise WeightsError(f"{name!r} is a folder, not a weights file. {wanted}.")
    try:
        mistaken = _mistaken(path)
        if mistaken:
            raise WeightsError(f"{name!r} is {mistaken}. {wanted}: download it again.")
        content = torch.load(
            path, map_location="cpu", weights_only=True, mmap=lazily and zipfile.is_zipfile(path)
        )
    except WeightsError:
        raise
    except PermissionError as error:
        raise WeightsError(f"The weights file {name!r} may not be read: check its permissions.") from error
    except Exception as error:  # torch raises many kinds, down to EOFError and KeyError, for a damaged file
        log.debug("cannot read %s", path, exc_info=True)
        if "Weights only load failed" in str(error) and zipfile.is_zipfile(path):
            raise WeightsError(
                f"{name!r} holds objects beside tensors, and loading them could run their code. {wanted}: "
                'save the state dict alone, torch.save({"model": network.state_dict()}, path).'
            ) from error
        raise WeightsError(
            f"{name!r} is not a checkpoint that torch can read, or it is cut off or damaged. "
            f"{wanted}: compare its size with the source and download it again."
        ) from error
    tensors = _tensors(content)
    if not tensors:
        raise WeightsError(f"{name!r} holds no tensors by name. {wanted}.")
    return Checkpoint(name, tensors, content)


def _mistaken(path: Path) -> str | None:
    """What the file is, where its first bytes say that it is no checkpoint; None otherwise."""
    with path.open("rb") as file:
        head = file.read(64)
    if not head:
        return "empty"
    lowered = head.lower().lstrip()
    for beginning, what in _MISTAKEN:
        if lowered.startswith(beginning):
            return what
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < path.stat().st_size:
        return "a safetensors file (the format of the transformers library)"
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if not any(entry.endswith("data.pkl") for entry in archive.namelist()):
                return "a zip archive without a checkpoint in it"
    return None


def _tensors(content: Any) -> dict[str, Any]:
    import torch

    for key in ("model", "state_dict"):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
            break
    if not isinstance(content, Mapping):
        return {}
    return {str(key): value for key, value in content.items() if isinstance(value, torch.Tensor)}


def family(tensors: Mapping[str, Any]) -> str:
    """Say in words which network these tensors belong to, from their keys: "a SAM 2 checkpoint"."""
    families: tuple[tuple[str, Callable[[str], bool]], ...] = (
        ("a SAM 3.1 checkpoint", lambda key: key.startswith("tracker.model.")),
        ("a SAM 3 checkpoint", lambda key: key.startswith(("detector.backbone.", "tracker."))),
        ("a SAM 2 checkpoint", lambda key: key.startswith("image_encoder.trunk.")),
        ("a SAM 1 checkpoint", lambda key: key.startswith("image_encoder.")),
        (
            "a fine-tuned SAM 3 detector without its box-prompt part",
            lambda key: key.startswith("backbone.vision_backbone."),
        ),
        ("an RF-DETR checkpoint", lambda key: key.startswith("backbone.0.encoder.")),
    )
    for what, belongs in families:
        if any(belongs(key) for key in tensors):
            return what
    return f"a checkpoint of another network (keys such as {_some(list(tensors))})"


def fill(network: Any, tensors: Mapping[str, Any], *, name: str, computed: tuple[str, ...] = ()) -> None:
    """Copy `tensors` into `network`, every key of one in the other.

    `computed` are endings of keys that the network computes for itself where the file lacks them. Raises
    `WeightsError` that names a few of the keys that are missing, left over or of another shape: a layer
    is never left as it was drawn.
    """
    own = network.state_dict()
    missing = [key for key in own if key not in tensors and not key.endswith(computed or ("\0",))]
    unknown = [key for key in tensors if key not in own]
    misshapen = [key for key in own if key in tensors and own[key].shape != tensors[key].shape]
    faults = [
        f"{what} {_some(keys)}"
        for what, keys in (("lacks", missing), ("has unknown", unknown), ("has another shape for", misshapen))
        if keys
    ]
    if faults:
        raise WeightsError(
            f"{name!r} does not fit its network: it {', it '.join(faults)}. "
            "Expected a complete checkpoint as published: download it again, or export all of it."
        )
    network.load_state_dict(dict(tensors), strict=False)


def _some(keys: list[str]) -> str:
    named = ", ".join(keys[:_NAMED])
    return named if len(keys) <= _NAMED else f"{named} and {len(keys) - _NAMED} more"


@contextmanager
def undrawn() -> Iterator[None]:
    """Build a network in the body without drawing its random weights: `fill` overwrites every one of them.

    Drawing them takes most of the time that it takes to build a large network.
    """
    import torch
    from torch.overrides import TorchFunctionMode

    draws = (torch.Tensor.uniform_, torch.Tensor.normal_)
    # what turns a uniform draw into a truncated normal one
    shaping = (torch.Tensor.erfinv_, torch.Tensor.mul_, torch.Tensor.add_, torch.Tensor.clamp_)

    class Undrawn(TorchFunctionMode):  # type: ignore[misc]  # torch is not followed by mypy
        undrawn: Any = None

        def __torch_function__(
            self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
        ) -> Any:
            given = kwargs or {}
            if getattr(func, "__module__", None) == "torch.nn.init":
                return given["tensor"] if "tensor" in given else args[0]
            if func in draws:
                self.undrawn = args[0]
            if args and args[0] is self.undrawn and (func in draws or func in shaping):
                return args[0]
            return func(*args, **given)

    with Undrawn():
        yield
