"""The examples of the client's page run as they stand, but for addresses and keys."""

from pathlib import Path

import pytest

from anomaly.simulator import Simulator
from tests import markdown
from tests.pictures import encoded, gradient

pytestmark = pytest.mark.xdist_group("client")

PAGE = (Path(__file__).parents[2] / "docs" / "client.md").read_text(encoding="utf-8")
SNIPPETS = markdown.examples(PAGE, "python")


@pytest.mark.parametrize("snippet", SNIPPETS, ids=range(len(SNIPPETS)))
def test_an_example_runs(
    snippet: str,
    pod_url: str,
    sim: Simulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Pasted into a file beside some photos it runs to its end, and says something where it prints."""
    (tmp_path / "site").mkdir()
    for name in ("bridge.jpg", "tunnel.jpg", "site/a.jpg", "site/b.jpg"):
        (tmp_path / name).write_bytes(encoded(gradient(96, 64), "JPEG"))
    (tmp_path / "notes.txt").write_text("no photo")
    monkeypatch.chdir(tmp_path)
    code = (
        snippet.replace("http://localhost:8000", pod_url)
        .replace("https://api.runpod.ai/v2/ENDPOINT", sim.url)
        .replace('"KEY"', repr(sim.api_key))
    )
    exec(compile(code, "docs/client.md", "exec"), {"__name__": "__main__"})  # noqa: S102 - our own page
    printed = capsys.readouterr().out
    assert bool(printed) is ("print(" in snippet and "def handle" not in snippet)


def test_every_way_has_its_example() -> None:
    """There is an example for each way to use it."""
    assert len(SNIPPETS) == 7
    assert all("anomaly.client" in each for each in SNIPPETS)
