"""A server below a path, over real HTTP: behind a proxy that takes the path away, and behind one that does not."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from anomaly.bootstrap import build, queue
from anomaly.errors import ConfigurationError
from anomaly.keys import Keyring
from anomaly.serving.pod import Access, create_app
from anomaly.settings import Settings
from tests.listener import on_uvicorn
from tests.pictures import base64_of, encoded

KEY, ROOT = "correct-horse-battery", "/tools/anomaly"
PHOTO = {"image": base64_of(encoded())}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a server that stands below a path."""
    settings = Settings(
        detector_backend="fake",
        segmenter_backend="fake",
        cpu_threads=1,
        state_path=tmp_path_factory.mktemp("s"),
    )
    service = build(settings)
    service.start()
    service.wait()
    access = Access.read(Keyring.read(KEY), None, None)
    with on_uvicorn(create_app(service, 0.3, access, queue(settings, service), root_path=ROOT)) as url:
        yield url


@pytest.fixture(params=["", ROOT], ids=["taken away", "left"])
def pod(request: pytest.FixtureRequest, address: str) -> Iterator[httpx.Client]:
    """Give the server as a proxy asks it."""
    with httpx.Client(base_url=f"{address}{request.param}", headers={"X-API-Key": KEY}) as client:
        yield client


def test_every_door_answers(pod: httpx.Client) -> None:
    """Photographs, the page, its files, the interface and the state are where they are without a path."""
    assert pod.post("/detect", json=PHOTO).json()["anomaly_count"] > 0
    for path in ("/", "/health", "/info", "/docs", "/docs/files/swagger-ui.css", "/page/any/icon.svg"):
        assert pod.get(path).status_code == 200, path
    assert pod.get("/nowhere").status_code == 404
    assert pod.head("/health").status_code == 200


def test_what_asks_for_no_key_asks_for_none(pod: httpx.Client) -> None:
    """Health and the page are open below a path too, and nothing else is."""
    without = {"X-API-Key": ""}
    assert [pod.get(each, headers=without).status_code for each in ("/health", "/", "/info")] == [
        200,
        200,
        401,
    ]


def test_links_lead_below_the_path(pod: httpx.Client) -> None:
    """A job's address and the document's server begin with the path: that is how a caller reaches them."""
    told = pod.post("/detect", json={**PHOTO, "wait_for_result": False})
    assert told.json()["status_url"] == told.headers["location"] == f"{ROOT}/status/{told.json()['id']}"
    assert pod.get("/openapi.json").json()["servers"] == [{"url": ROOT}]


def test_a_slash_too_many_leads_below_the_path(pod: httpx.Client) -> None:
    """Redirects keep the path."""
    moved = pod.get("/info/")
    assert moved.status_code == 307
    assert httpx.URL(moved.headers["location"]).path == f"{ROOT}/info"


def test_the_path_alone_leads_to_its_folder(address: str) -> None:
    """The page's links are relative: without the slash they would lead beside it."""
    answer = httpx.get(f"{address}{ROOT}", follow_redirects=True)
    assert answer.url.path == f"{ROOT}/"
    assert answer.headers["content-type"].startswith("text/html")


def test_figures_have_the_paths_without_it(pod: httpx.Client) -> None:
    """Figures of one server are the same wherever it stands."""
    pod.get("/status/nobody")
    figures = pod.get("/metrics").text
    assert 'path="/status/{identity}"' in figures
    assert ROOT not in figures


def test_a_root_that_is_a_path_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slash at the end does no harm; what is no path stops the start with a sentence."""
    monkeypatch.setenv("ROOT_PATH", "/tools/anomaly/")
    assert Settings.read().root_path == ROOT
    for wrong in ("anomaly", "/", "https://example.com/a", "/a?b", "//a"):
        monkeypatch.setenv("ROOT_PATH", wrong)
        with pytest.raises(ConfigurationError, match="ROOT_PATH"):
            Settings.read()
