import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate
from pydantic import TypeAdapter
from starlette.testclient import TestClient

from anomaly.bootstrap import build, queue
from anomaly.serving.pod import create_app
from anomaly.settings import Settings
from anomaly.wire import shapes

ANSWERS: dict[str, Any] = {"/detect": shapes.DetectResponse, "/detect/batch": shapes.BatchResponse}


@pytest.fixture(scope="module")
def pod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Give a pod with everything that it can have."""
    settings = Settings(
        detector_backend="fake",
        segmenter_backend="fake",
        cpu_threads=1,
        state_path=tmp_path_factory.mktemp("state"),
    )
    service = build(settings)
    service.start()
    service.wait()
    with TestClient(create_app(service, 0.3, queue=queue(settings, service))) as client:
        yield client


@pytest.fixture(scope="module")
def document(pod: TestClient) -> dict[str, Any]:
    """Give the document as it is served."""
    answer: dict[str, Any] = pod.get("/openapi.json").json()
    return answer


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    """Any generator of clients can read it, and every reference in it leads somewhere."""
    validate(document)
    assert "$defs" not in json.dumps(document)


def test_every_example_is_answered(pod: TestClient, document: dict[str, Any]) -> None:
    """What the document shows works as it stands, and the answer has the documented shape."""
    shown = [
        (path, name, example["value"])
        for path, methods in document["paths"].items()
        for operation in methods.values()
        for content in operation.get("requestBody", {}).get("content", {}).values()
        for name, example in content.get("examples", {}).items()
    ]
    assert {path for path, _, _ in shown} == {"/detect", "/detect/batch", "/run", "/runsync"}
    for path, name, value in shown:
        answer = pod.post(path, json=value)
        assert answer.status_code == 200, (path, name, answer.text)
        if path in ANSWERS:
            TypeAdapter(ANSWERS[path]).validate_json(answer.content, strict=False)


def test_every_route_says_what_it_is_for(document: dict[str, Any]) -> None:
    """No operation is without its sentence, none without a tag but the page."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation.get("description"), (method, path)


def test_every_failure_has_the_one_shape(document: dict[str, Any]) -> None:
    """No operation promises another one, and those that can fail say how."""
    for path, methods in document["paths"].items():
        if path in ("/health", "/ping"):  # their 503 says how the server is
            continue
        for method, operation in methods.items():
            failing = {code: each for code, each in operation["responses"].items() if code >= "400"}
            for code, each in failing.items():
                schema = each.get("content", {}).get("application/json", {}).get("schema", {})
                assert schema.get("$ref", "ErrorResponse").endswith("/ErrorResponse"), (method, path, code)
            if "{" in path:
                assert "404" in failing, (method, path)
            if method == "post" and path != "/purge-queue" and "requestBody" in operation:
                assert {"413", "422"} <= set(failing), (method, path)


def test_what_has_parts_is_json_in_a_query(document: dict[str, Any]) -> None:
    """A generated client does not spread a camera's fields over the query."""
    parameters = {each["name"]: each for each in document["paths"]["/detect"]["post"]["parameters"]}
    parted = {name for name, each in parameters.items() if "content" in each}
    assert parted == {"camera", "marker", "picture"}
    assert "s3Config" not in parameters  # a secret does not belong into an address
    assert "schema" in parameters["confidence_threshold"]


def test_metrics_are_text(document: dict[str, Any]) -> None:
    """A generated client does not take them for JSON."""
    assert list(document["paths"]["/metrics"]["get"]["responses"]["200"]["content"]) == ["text/plain"]


def test_the_document_is_served_where_it_is_looked_for(pod: TestClient) -> None:
    """/openapi.json and /docs are where FastAPI's users expect them."""
    assert pod.get("/docs").status_code == 200
    assert Path(pod.get("/openapi.json").url.path).name == "openapi.json"
