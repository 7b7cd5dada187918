"""Where the words of SAM 3's text encoder come from."""

import sys
from pathlib import Path

import pytest

from anomaly.backends.sam3.vocabulary import FILE, find
from anomaly.errors import WeightsError
from tests.tiny_sam3 import save_vocabulary


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A package path on which only an empty folder lies."""
    for name in ("sam3", "open_clip", "clip"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    packages = tmp_path / "packages"
    packages.mkdir()
    monkeypatch.setattr(sys, "path", [str(packages)])
    return packages


def test_a_given_file_comes_first(tmp_path: Path) -> None:
    """The file that the operator names is taken, whatever lies beside the weights."""
    save_vocabulary(tmp_path / FILE)
    given = save_vocabulary(tmp_path / "own.gz")
    assert find(given, tmp_path) == given


def test_it_is_found_beside_the_weights(tmp_path: Path, nothing_installed: Path) -> None:
    """A vocabulary in the folder of the weights is found."""
    (tmp_path / "weights").mkdir()
    expected = save_vocabulary(tmp_path / "weights" / FILE)
    assert find(None, tmp_path / "weights") == expected


@pytest.mark.parametrize("place", [f"open_clip/{FILE}", f"sam3/assets/{FILE}", f"assets/{FILE}"])
def test_it_is_found_in_a_package(tmp_path: Path, nothing_installed: Path, place: str) -> None:
    """A vocabulary that an installed package ships is found without importing the package."""
    for package in ("open_clip", "sam3"):
        (nothing_installed / package).mkdir()
        (nothing_installed / package / "__init__.py").write_text("raise RuntimeError('imported')")
    expected = nothing_installed / place
    expected.parent.mkdir(exist_ok=True)
    save_vocabulary(expected)
    assert find(None, tmp_path).resolve() == expected


def test_where_there_is_none_the_message_says_where_to_get_it(
    tmp_path: Path, nothing_installed: Path
) -> None:
    """Without a vocabulary the operator is told its name, its place and a package that has it."""
    with pytest.raises(WeightsError, match=f"Put {FILE} beside the weights, or install .* open_clip_torch"):
        find(None, tmp_path)
    with pytest.raises(WeightsError, match=r"'own\.gz', which is not there"):
        find(tmp_path / "own.gz", tmp_path)


@pytest.mark.parametrize("content", [b"", b"not gzip", b"\x1f\x8b\x08\x00 cut off"])
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    """A vocabulary that is not compressed text of merges is refused by name."""
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(WeightsError, match=r"damaged|holds no byte-pair merges"):
        find(None, tmp_path)
