"""The command line in this process, and the servers that it meets."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from anomaly.cli.app import application
from tests.client.conftest import pod, pod_url  # noqa: F401 - fixtures
from tests.pictures import encoded, gradient

Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Return a function that runs the program with some arguments, with the fake models on this machine."""
    for name, value in {
        "DETECTOR_BACKEND": "fake",
        "HF_HOME": str(tmp_path / "hub"),
        "VOLUME_PATH": str(tmp_path / "volume"),
        "RF_HOME": str(tmp_path / "rf"),
        "COLUMNS": "160",
        "HOME": str(tmp_path),
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("ANOMALY_URL", "ANOMALY_API_KEY", "RUNPOD_API_KEY"):
        monkeypatch.delenv(name, raising=False)

    def go(*arguments: object) -> Result:
        return CliRunner().invoke(application(), [str(each) for each in arguments], catch_exceptions=False)

    return go


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with photos at two levels, and with what is none."""
    folder = tmp_path / "site"
    (folder / "north").mkdir(parents=True)
    (folder / ".cache").mkdir()
    for number, name in enumerate(("b.jpg", "a.PNG", "north/a.jpg", ".cache/z.jpg")):
        (folder / name).write_bytes(encoded(gradient(64 + number, 48), "PNG" if "PNG" in name else "JPEG"))
    (folder / "notes.txt").write_text("no photo")
    return folder
