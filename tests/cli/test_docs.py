"""The commands of the command line's page run as they stand, but for addresses and keys."""

import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from anomaly.bootstrap import manifest
from anomaly.cli.app import application
from tests import markdown
from tests.cli.conftest import Run
from tests.pictures import encoded, gradient

pytestmark = pytest.mark.xdist_group("client")

PAGE = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text(encoding="utf-8")
COMMANDS = [line for block in markdown.examples(PAGE, "bash") for line in block.splitlines()]

ENDLESS = ("serve", "simulate")
"""Run by the tests of the program."""

ABROAD = ("weights fetch", "api.runpod.ai")
"""Need the internet."""


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_is_understood(line: str) -> None:
    """Every option of every command is one that the program knows."""
    program, *arguments = shlex.split(line)
    assert program == "anomaly"
    command: Any = get_command(application())
    while hasattr(command, "commands"):
        command = command.commands[arguments.pop(0)]
    assert command.make_context("anomaly", arguments).params


@pytest.mark.parametrize(
    "line",
    [each for each in COMMANDS if each.split()[1] not in ENDLESS and not any(far in each for far in ABROAD)],
)
def test_a_command_runs(
    line: str, run: Run, pod_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a folder with some photos it does what it says."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("API_PORT", "0")
    (tmp_path / "site").mkdir()
    for name in ("bridge.jpg", "site/a.jpg", "site/b.jpg"):
        (tmp_path / name).write_bytes(encoded(gradient(96, 64), "JPEG"))
    done = run(*shlex.split(line.replace("http://localhost:8000", pod_url))[1:])
    assert done.exit_code == 0, done.output
    for option, value in zip(line.split(), line.split()[1:], strict=False):
        if option in ("--output", "--annotate"):
            assert (tmp_path / value).exists()


def test_the_page_has_every_command() -> None:
    """Each command has its section, and its examples."""
    command: Any = get_command(application())
    for name in command.commands:
        assert f"anomaly {name}" in markdown.section(PAGE, f"anomaly {name}")
    assert any("sam2_large" in each.name for each in manifest())
