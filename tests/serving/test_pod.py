"""What each door answers, and what it refuses."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from anomaly import errors
from anomaly.service import Service
from anomaly.serving.pod import create_app
from anomaly.serving.pod.failures import STATUS, status_of
from tests.pictures import base64_of, encoded, gradient
from tests.services import warm_service
from tests.site import PICTURE, served_site

FILE = encoded(gradient(320, 240), "JPEG")
TEXT = base64_of(FILE)
FORM = {"content-type": "multipart/form-data"}  # without its boundary


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """Give a warm service with small limits."""
    service = warm_service(max_images=4, max_image_bytes=100_000, max_request_bytes=300_000)
    yield service
    service.close()


@pytest.fixture(scope="module")
def pod(service: Service) -> TestClient:
    """Give a client that gets an answer even where the application fails."""
    return TestClient(create_app(service, 0.3), raise_server_exceptions=False)


def test_the_answer_has_the_contracts_fields(pod: TestClient) -> None:
    """A detection answers with exactly the documented names, beside which others may stand."""
    answer = pod.post("/detect", json={"image": TEXT}).json()
    assert answer["image_size"] == {"width": 320, "height": 240}
    assert answer["anomaly_count"] == len(answer["anomalies"]) > 0
    assert answer["processing_time_ms"] > 0
    anomaly = answer["anomalies"][0]
    assert {"anomaly_id", "defect_type", "structure_type", "bbox", "geometry", "confidence"} <= set(anomaly)
    assert set(anomaly["bbox"]) == {"x_min", "y_min", "x_max", "y_max"}
    assert {"area_pixels", "length_pixels", "width_pixels", "orientation_degrees"} <= set(anomaly["geometry"])
    scores = anomaly["confidence"]
    assert scores["combined"] == pytest.approx(
        (scores["detection"] * scores["segmentation"]) ** 0.5, abs=1e-3
    )


def test_the_same_photo_has_the_same_ids(pod: TestClient) -> None:
    """Ids are made of content: they do not change, and no two in an answer are alike."""
    first, second = (pod.post("/detect", json={"image": TEXT}).json() for _ in range(2))
    ids = [each["anomaly_id"] for each in first["anomalies"]]
    assert first["frame_id"] == second["frame_id"]
    assert ids == [each["anomaly_id"] for each in second["anomalies"]]
    assert len(set(ids)) == len(ids)
    other = pod.post("/detect", json={"image": base64_of(encoded(gradient(321, 240)))}).json()
    assert other["frame_id"] != first["frame_id"]


def test_the_threshold_sorts_out(pod: TestClient) -> None:
    """A higher threshold answers a subset."""
    answers = [
        pod.post("/detect", json={"image": TEXT, "confidence_threshold": each}).json() for each in (0, 0.5, 1)
    ]
    ids = [{each["anomaly_id"] for each in answer["anomalies"]} for answer in answers]
    assert ids[0] >= ids[1] >= ids[2]


@pytest.mark.parametrize(
    "content_type",
    [
        "image/jpeg",
        "image/png",
        "image/webp",
        "application/octet-stream",
        "application/x-www-form-urlencoded",
    ],
)
def test_the_body_may_be_the_picture(pod: TestClient, content_type: str) -> None:
    """A picture as the body is answered; what it is, its own bytes say."""
    response = pod.post("/detect?frame_id=a", content=FILE, headers={"content-type": content_type})
    assert response.status_code == 200
    assert response.json()["frame_id"] == "a"


def test_curl_without_a_content_type_works(pod: TestClient) -> None:
    """JSON under curl's default content type is read as JSON."""
    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert pod.post("/detect", content=f'{{"image": "{TEXT}"}}', headers=headers).status_code == 200


@pytest.mark.parametrize("field", ["file", "image", "photo"])
def test_a_form_carries_one_file_and_options(pod: TestClient, field: str) -> None:
    """A form's file is answered under whatever name it comes, with the form's options."""
    response = pod.post(
        "/detect/upload",
        files={field: ("a.jpg", FILE, "image/jpeg")},
        data={"frame_id": "a", "confidence_threshold": "0.9"},
    )
    assert response.status_code == 200
    assert response.json()["frame_id"] == "a"
    assert all(each["confidence"]["detection"] >= 0.9 for each in response.json()["anomalies"])


def test_a_batch_answers_each_slot(pod: TestClient) -> None:
    """A bad image fails in its own slot with its code and its id, and the others are answered."""
    response = pod.post("/detect/batch", json={"images": [TEXT, "?", TEXT], "frame_ids": ["a", "b", "c"]})
    assert response.status_code == 200
    answer = response.json()
    assert (answer["image_count"], answer["error_count"]) == (3, 1)
    assert [each["frame_id"] for each in answer["results"]] == ["a", "b", "c"]
    assert answer["results"][1]["error"]["code"] == "invalid_base64"
    assert answer["results"][2]["anomaly_count"] > 0


@pytest.mark.parametrize(
    ("path", "request_", "status", "code"),
    [
        ("/detect", {"content": b"{"}, 422, "invalid_request"),
        ("/detect", {"content": b""}, 422, "invalid_request"),
        ("/detect", {"json": {"image": TEXT, "x": 1}}, 422, "invalid_request"),
        ("/detect", {"json": {"image": "?"}}, 400, "invalid_base64"),
        ("/detect", {"json": {"image": ""}}, 400, "empty_image"),
        ("/detect", {"json": {"image": base64_of(b"hello")}}, 415, "unsupported_image"),
        ("/detect", {"json": {"image": base64_of(FILE[:-200])}}, 400, "corrupt_image"),
        ("/detect", {"json": {"image": base64_of(bytes(150_000))}}, 413, "image_too_large"),
        ("/detect", {"content": bytes(300_001)}, 413, "request_too_large"),
        ("/detect", {"content": b"", "headers": {"content-type": "image/png"}}, 400, "empty_image"),
        ("/detect", {"content": b"x", "headers": {"content-type": "application/pdf"}}, 415, "unsupported_body"),
        ("/detect?x=1", {"content": FILE, "headers": {"content-type": "image/png"}}, 422, "invalid_request"),
        ("/detect?x=1", {"json": {"image": TEXT}}, 422, "invalid_request"),
        ("/detect/upload?x=1", {"files": {"file": FILE}}, 422, "invalid_request"),
        ("/detect", {"content": b"x", "headers": {"content-encoding": "gzip"}}, 415, "unsupported_body"),
        ("/detect", {"files": {"file": FILE}}, 415, "unsupported_body"),
        ("/detect/batch", {"json": {"images": [TEXT] * 5}}, 413, "too_many_images"),
        ("/detect/batch", {"json": {"images": []}}, 422, "invalid_request"),
        ("/detect/upload", {"data": {"frame_id": "a"}, "files": {}}, 422, "invalid_request"),
        ("/detect/upload", {"files": [("file", FILE), ("file", FILE)]}, 422, "invalid_request"),
        ("/detect/upload", {"content": b"-", "headers": FORM}, 422, "invalid_request"),
        ("/detect/upload", {"files": {"file": bytes(400_000)}}, 413, "request_too_large"),
        ("/nowhere", {}, 404, "not_found"),
    ],
)  # fmt: skip
def test_bad_input_has_a_status_and_a_code(
    pod: TestClient, path: str, request_: dict[str, object], status: int, code: str
) -> None:
    """Each mistake has its status, its code and a sentence in the one shape."""
    response = pod.post(path, **request_)  # type: ignore[arg-type]
    assert response.status_code == status
    assert set(response.json()) == {"error"}
    assert response.json()["error"]["code"] == code
    assert len(response.json()["error"]["message"]) > 20


def test_a_wrong_method_has_the_same_shape(pod: TestClient) -> None:
    """GET on a door for photographs is refused in the shape of every error."""
    response = pod.get("/detect")
    assert response.status_code == 405
    assert response.json()["error"]["code"] == "method_not_allowed"


def test_a_body_without_a_length_is_limited_too(pod: TestClient) -> None:
    """A body that is sent in pieces is cut off at the limit."""
    response = pod.post("/detect", content=(bytes(10_000) for _ in range(40)))
    assert response.status_code == 413


def test_every_error_has_a_status() -> None:
    """The whole tree of errors maps to a status, the input's to 4xx and ours to 5xx."""

    def tree(kind: type[errors.AnomalyError]) -> list[type[errors.AnomalyError]]:
        return [kind, *(deeper for child in kind.__subclasses__() for deeper in tree(child))]

    for kind in tree(errors.InputError):
        assert 400 <= status_of(kind("x")) < 500
    for kind in tree(errors.ModelError):
        assert status_of(kind("x")) == 500
    assert status_of(errors.QueueFull("x")) == 429
    assert set(STATUS) <= set(tree(errors.AnomalyError))


def test_the_openapi_document_names_every_door(pod: TestClient) -> None:
    """The OpenAPI document has each door with its body and its answer."""
    document = pod.get("/openapi.json").json()
    assert {"/detect", "/detect/batch", "/detect/upload", "/health", "/info"} <= set(document["paths"])
    body = document["paths"]["/detect"]["post"]["requestBody"]["content"]
    assert {"application/json", "image/jpeg", "image/png", "image/webp"} == set(body)
    assert "confidence_threshold" in body["application/json"]["schema"]["properties"]
    assert "DetectResponse" in document["components"]["schemas"]


def test_a_photo_may_come_from_its_url() -> None:
    """What lies at a URL is answered as if it had been sent; in a batch what is missing fails alone."""
    service = warm_service(allow_private_urls=True)
    pod = TestClient(create_app(service, 0.3))
    with served_site() as site:
        fetched = pod.post("/detect", json={"image_url": f"{site}/photo.png"}).json()
        batch = pod.post(
            "/detect/batch", json={"image_urls": [f"{site}/missing", f"{site}/photo.png"]}
        ).json()
    sent = pod.post("/detect", json={"image": base64_of(PICTURE)}).json()
    service.close()
    assert fetched["anomalies"] == sent["anomalies"] == batch["results"][1]["anomalies"]
    assert fetched["frame_id"] == sent["frame_id"]
    assert batch["results"][0]["error"]["code"] == "url_failed"
