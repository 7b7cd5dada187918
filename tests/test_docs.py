"""Every snippet of the documents runs, and every link leads somewhere."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from anomaly.bootstrap import queue
from anomaly.metrics import Meter
from anomaly.serving.pod import create_app
from anomaly.settings import Settings
from anomaly.wire import request as wire
from tests import markdown
from tests.listener import on_uvicorn
from tests.services import warm_service

pytestmark = pytest.mark.xdist_group("docs")  # one server for all

ROOT = Path(__file__).parents[1]
PAGES = (
    "README.md",
    "docs/api.md",
    "docs/scale.md",
    "docs/weights.md",
    "docs/operating.md",
    "docs/extending.md",
)
LINKED = (
    *PAGES,
    "docs/README.md",
    "docs/accuracy.md",
    "docs/client.md",
    "docs/command-line.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
)

THEMSELVES = ("make run", "make test", "make check", "make train", ".venv/bin/anomaly simulate")
"""Commands that are this test's own frame (`.ci/run` is two of them), or have no end and a test of their own."""


def snippets(language: str) -> list[tuple[str, str]]:
    """Return each page's blocks of a language."""
    return [
        (page, block)
        for page in PAGES
        for block in markdown.examples((ROOT / page).read_text(encoding="utf-8"), language)
    ]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Serve the embedded finder, with jobs."""
    settings = Settings(detector_backend="starter", segmenter_backend="starter")
    service = warm_service(detector_backend="starter", segmenter_backend="starter")
    app = create_app(service, 0.3, queue=queue(settings.model_copy(update={"state_path": None}), service))
    with on_uvicorn(app) as url:
        yield url


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder that looks like the repository to its reader."""
    folder = tmp_path_factory.mktemp("reader")
    (folder / "samples").mkdir()
    shutil.copy(ROOT / "samples" / "crack.jpg", folder / "samples")
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        (folder / name).symlink_to(ROOT / name)
    tools = folder / "tools"
    tools.mkdir()
    (tools / "anomaly").write_text(f'#!/bin/sh\nexec {sys.executable} -m anomaly.cli "$@"\n')
    for name in ("python", "python3"):
        (tools / name).write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    for each in tools.iterdir():
        each.chmod(0o755)
    (folder / ".venv").mkdir()
    (folder / ".venv" / "bin").symlink_to(tools)
    (folder / "photos").symlink_to(folder / "samples")
    return folder


def run(command: list[str], folder: Path) -> str:
    """Run a command in the folder; fail with all that it wrote where it fails."""
    environment = os.environ | {
        "PATH": f"{folder / 'tools'}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "NO_PROXY": "*",
    }
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, f"{command[-1]}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize(("page", "block"), snippets("bash"))
def test_a_command_works(page: str, block: str, url: str, folder: Path) -> None:
    """Each block runs as a shell runs it, against a real server, and no call of curl gets an error of the server's."""
    lines = [each for each in block.splitlines() if not each.strip().startswith(THEMSELVES)]
    script = "\n".join(lines).replace("http://localhost:8000", url)
    if page != "docs/api.md" or "no photo" not in block:  # the one that shows an error
        script = script.replace("curl -s ", "curl -s --fail-with-body ")
    run(["bash", "-euo", "pipefail", "-c", script], folder)


@pytest.mark.parametrize(("page", "block"), snippets("python"))
def test_a_program_works(page: str, block: str, url: str, folder: Path) -> None:
    """Each block is a program that runs, and what it asserts holds."""
    run([sys.executable, "-c", block.replace("http://localhost:8000", url)], folder)


@pytest.mark.parametrize(("page", "block"), [each for each in snippets("json") if each[0] != "README.md"])
def test_a_request_is_accepted(page: str, block: str) -> None:
    """Each request that is shown passes the check that every door makes."""
    assert wire.parse_detect(json.loads(block)).photos()


@pytest.mark.parametrize(("page", "block"), snippets("toml"))
def test_a_table_is_read(page: str, block: str) -> None:
    """Each table has the shape of the file that it is meant for."""
    ours = tomllib.loads((ROOT / "configs" / "taxonomy.toml").read_text(encoding="utf-8"))
    shown = tomllib.loads(block)
    assert all(set(names) <= set(ours[kind]) for kind, names in shown.items())


def test_prometheus_settings_are_yaml() -> None:
    """The scrape's settings name the path that is served."""
    [(_, block)] = snippets("yaml")
    assert yaml.safe_load(block)["scrape_configs"][0]["metrics_path"] == "/metrics"


def test_the_metrics_table_names_what_is_measured() -> None:
    """Every name of the table is one that a meter or the state gives."""
    page = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    names = re.findall(r"anomaly_\w+", " ".join(row["Metric"] for row in markdown.table(page, "Is it well")))
    known = Meter().exposition().decode() + (ROOT / "anomaly" / "metrics" / "state.py").read_text()
    for name in names:
        assert name.removesuffix("_total") in known, name


@pytest.mark.parametrize("page", LINKED)
def test_every_link_leads_somewhere(page: str) -> None:
    """Files are there, and so are the headings that are linked to."""
    path = ROOT / page
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        assert file.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
            anchors = {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}
            assert anchor in anchors, target


def test_every_page_is_in_the_index() -> None:
    """A page that nothing leads to is not read."""
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    for each in (ROOT / "docs").glob("*.md"):
        assert each.name == "README.md" or f"({each.name})" in index, each.name
