import re
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from anomaly.serving.pod import create_app, page
from tests.services import warm_service
from tests.serving.page.desk import SAMPLE


@pytest.fixture(scope="module")
def pod() -> Iterator[TestClient]:
    """Give a client of a server."""
    service = warm_service()
    yield TestClient(create_app(service, 0.3))
    service.close()


def test_every_file_is_served_as_what_it_is(pod: TestClient) -> None:
    """The document names its style sheets and its script, and each of the page's files comes with its type."""
    document = pod.get("/")
    named = re.findall(r'(?:href|src)="(page/[^"]+)"', document.text)
    assert document.headers["content-type"] == "text/html; charset=utf-8"
    assert len(named) > 5
    kinds = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".jpg": "image/jpeg"}
    version = page.read().version
    for path in {*named, *(f"page/{version}/{path}" for path in page.read().files)}:
        answer = pod.get(f"/{path}")
        assert answer.status_code == 200, path
        assert answer.headers["content-type"].split(";")[0] == kinds[path[path.rindex(".") :]]


def test_files_are_kept_for_good_and_the_document_is_asked_for_anew(pod: TestClient) -> None:
    """A browser keeps this version's files, revalidates the document, and keeps no file of another version."""
    version = page.read().version
    document, script = pod.get("/"), pod.get(f"/page/{version}/script/main.js")
    other = pod.get("/page/0123456789abcdef/script/main.js")
    assert document.headers["cache-control"] == "no-cache"
    assert pod.get("/", headers={"If-None-Match": document.headers["etag"]}).status_code == 304
    assert "immutable" in script.headers["cache-control"]
    assert (other.status_code, other.headers["cache-control"]) == (200, "no-store")


def test_what_is_no_file_is_refused_as_everywhere(pod: TestClient) -> None:
    """An unknown file, or a way out of the folder, is answered in the API's shape of errors."""
    for path in ("script/none.js", "../__init__.py", "%2e%2e/%2e%2e/app.py"):
        answer = pod.get(f"/page/{page.read().version}/{path}")
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "not_found"


def test_nothing_is_inline_and_nothing_is_elsewhere(pod: TestClient) -> None:
    """The policy allows this server alone, and no file has an inline script or style, or names another server."""
    document = pod.get("/")
    policy = document.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", document.text)
    for path, content in page.read().files.items():
        if not path.endswith(".jpg"):
            addresses = set(re.findall(rb"https?://[\w./-]+", content))
            assert addresses <= {b"http://www.w3.org/2000/svg"}, path


def test_every_import_of_a_script_is_a_file() -> None:
    """Each module that a module imports is there, and each is imported by one."""
    files = page.read().files
    imported = set()
    for path, content in files.items():
        if path.endswith(".js"):
            folder = path.rsplit("/", 1)[0]
            for name in re.findall(r'from "([^"]+)"', content.decode()):
                parts: list[str] = []
                for part in f"{folder}/{name}".split("/"):
                    parts = parts[:-1] if part == ".." else parts if part == "." else [*parts, part]
                imported.add("/".join(parts))
    scripts = {path for path in files if path.endswith(".js")}
    assert imported == scripts - {"script/main.js"}


def test_the_sample_is_that_of_the_project() -> None:
    """The photo that newcomers try is the generated one, whose crack is known."""
    assert page.read().files["sample.jpg"] == SAMPLE.read_bytes()
