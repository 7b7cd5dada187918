import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from anomaly.bootstrap import files, load, manifest, places
from anomaly.bootstrap.files import Files
from anomaly.bootstrap.steps import Steps, since_exec_ms
from anomaly.errors import WeightsError
from anomaly.settings import Settings
from anomaly.weights import Found, Places, Source
from tests.bootstrap.test_load import settings
from tests.tiny import tiny_rfdetr_checkpoint
from tests.tiny_sam import save_tiny_sam2
from tests.vram.tables import table
from tests.weights.shelf import open_shelf


def test_the_manifest_has_every_published_file() -> None:
    """One entry for each row of the variants, under its own name, with what is known of the file."""
    entries = {each.name: each for each in manifest()}
    assert len(entries) == len(table().detectors) + len(table().segmenters)
    assert entries["rfdetr_medium"].file == "rf-detr-medium.pth"
    assert entries["rfdetr_medium"].md5
    assert entries["sam3"].from_hub
    assert entries["sam3"].gated
    for each in entries.values():
        assert each.url or each.repo
        assert each.licence
        assert each.sha256 is None or len(bytes.fromhex(each.sha256)) == 32
    assert all(each.sha256 and each.size_bytes for each in entries.values() if each.name.startswith("sam"))


def test_the_places_follow_the_settings(tmp_path: Path) -> None:
    """The volume is one setting; what is named by path is looked beside; downloads go to the volume."""
    told = places(
        Settings(volume_path=tmp_path, hf_home=Path("/hf"), rf_home="/rf", sam_model_path=Path("/w/sam.pt"))
    )
    assert told.explicit == (Path("/w"),)
    assert told.hubs == (tmp_path / "huggingface-cache" / "hub", Path("/hf/hub"))
    assert told.baked[0] == Path("/models")
    assert told.volume == told.downloads == tmp_path / "models"
    assert told.downloaded == (Path("/rf"),)
    bare = places(Settings(volume_path=tmp_path / "none", sam_model_path="hf://org/name/sam.pt"))
    assert bare.explicit == ()
    assert bare.downloads == Places().downloads


def test_a_cached_model_of_the_volume_serves(tmp_path: Path) -> None:
    """RunPod's cache of Hugging Face models is found under the volume, and /info says so, without a path."""
    commit = tmp_path / "huggingface-cache" / "hub" / "models--org--cracks" / "snapshots" / ("a" * 40)
    commit.mkdir(parents=True)
    weights = tiny_rfdetr_checkpoint(commit / "cracks.pth")
    loaded = load(
        settings(
            volume_path=tmp_path, detector_weights="hf://org/cracks/cracks.pth", segmenter_backend="none"
        )
    )
    detector = loaded.facts["detector"]
    assert isinstance(detector, dict)
    assert (detector["source"], detector["weights"]) == ("huggingface cache", "cracks.pth")
    assert detector["sha256"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert str(tmp_path) not in str(loaded.facts)


def test_weights_come_from_an_address(tmp_path: Path) -> None:
    """A detector named by its address is downloaded to the volume once, and its hash is held."""
    weights = tiny_rfdetr_checkpoint(tmp_path / "own.pth").read_bytes()
    volume = tmp_path / "volume"
    volume.mkdir()
    with open_shelf() as shelf:
        shelf.files["/own.pth"] = weights
        named = f"{shelf.url}/own.pth#sha256={hashlib.sha256(weights).hexdigest()}"
        asked = settings(volume_path=volume, detector_weights=named, segmenter_backend="none")
        first, second = load(asked), load(asked)
        assert len(shelf.asked) == 1
    assert (volume / "models" / "own.pth").read_bytes() == weights
    assert first.facts["detector"]["source"] == "downloaded"  # type: ignore[index]
    assert second.facts["detector"]["source"] == "volume"  # type: ignore[index]
    assert first.steps_ms["download"] > 0
    assert "download" not in second.steps_ms


def test_a_sam_is_found_on_the_volume_and_its_steps_are_counted(tmp_path: Path) -> None:
    """A published name in the volume's folder is found, and each step of the start has its time."""
    (tmp_path / "models").mkdir()
    save_tiny_sam2(tmp_path / "models" / "sam2.1_hiera_tiny.pt")
    loaded = load(
        Settings(
            detector_backend="ridge", segmenter_backend="sam2", volume_path=tmp_path, weights_download=False
        )
    )
    assert loaded.facts["segmenter"]["source"] == "volume"  # type: ignore[index]
    assert loaded.facts["detector"]["source"] == "embedded"  # type: ignore[index]
    assert {"search", "imports", "load"} <= set(loaded.steps_ms)
    assert all(each >= 0 for each in loaded.steps_ms.values())


def test_what_is_asked_for_by_name_is_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SEGMENTER_BACKEND=sam2 with no file at hand fetches the smallest where there is no card."""
    sam = save_tiny_sam2(tmp_path / "sam.pt").read_bytes()
    original = files.entry_of
    with open_shelf() as shelf:
        shelf.files["/sam.pt"] = sam

        def small(row: object, name: str = "") -> object:
            entry = original(row, name)  # type: ignore[arg-type]
            return replace(entry, url=f"{shelf.url}/sam.pt", size_bytes=None, sha256=None)

        monkeypatch.setattr("anomaly.bootstrap.sam.entry_of", small)
        (tmp_path / "volume").mkdir()
        loaded = load(
            Settings(
                detector_backend="ridge",
                segmenter_backend="sam2",
                volume_path=tmp_path / "volume",
                device="cpu",
            )
        )
        assert [path for path, _ in shelf.asked] == ["/sam.pt"]
    assert loaded.facts["segmenter"]["source"] == "downloaded"  # type: ignore[index]
    assert (tmp_path / "volume" / "models" / "sam2.1_hiera_tiny.pt").read_bytes() == sam


def test_nothing_is_downloaded_where_that_is_forbidden(tmp_path: Path) -> None:
    """WEIGHTS_DOWNLOAD=false makes a missing published file an error that says where to put it."""
    with pytest.raises(WeightsError, match="WEIGHTS_DOWNLOAD=false"):
        load(
            settings(
                detector_backend="rfdetr",
                detector_variant="nano",
                segmenter_backend="none",
                rf_home=str(tmp_path),
                weights_download=False,
            )
        )


def test_published_weights_that_were_altered_are_refused(tmp_path: Path) -> None:
    """A file of another md5 under a published name is an error, found wherever the package keeps it."""
    (tmp_path / "rf-detr-nano.pth").write_bytes(b"not the published file")
    with pytest.raises(WeightsError, match=r"md5 of rf-detr-nano.pth"):
        load(
            settings(
                detector_backend="rfdetr",
                detector_variant="nano",
                segmenter_backend="none",
                rf_home=str(tmp_path),
            )
        )


def test_published_weights_are_found_where_the_package_keeps_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RF_HOME, else the folder in the home directory: as the package itself decides."""
    from rfdetr.assets.model_weights import get_model_cache_dir

    for name in ("RF_HOME", "ROBOFLOW_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    nano = next(each for each in manifest() if each.name == "rfdetr_nano")
    for home in (None, str(tmp_path / "rf")):
        if home:
            monkeypatch.setenv("RF_HOME", home)
        there = Files.of(Settings(volume_path=tmp_path / "none", rf_home=home), Steps())
        assert there.find(nano) is None
        folder = Path(get_model_cache_dir())
        folder.mkdir(parents=True)
        (folder / nano.file).write_bytes(b"weights")
        assert there.find(nano) == Found(folder / nano.file, Source.DOWNLOADED)


def test_steps_within_steps_count_once() -> None:
    """The time of a step within another is taken from the outer one, and steps add up."""
    steps = Steps({"program": 5.0})
    with steps("outer"):
        with steps("inner"):
            sum(range(200_000))
        with steps("inner"):
            sum(range(200_000))
    taken = steps.taken()
    assert list(taken) == ["program", "outer", "inner"]
    assert taken["program"] == 5.0
    assert taken["outer"] < taken["inner"]


def test_a_process_knows_its_age() -> None:
    """The time since the process began is told on Linux, and grows."""
    first, second = since_exec_ms(), since_exec_ms()
    assert first is not None
    assert second is not None
    assert 0 < first <= second
