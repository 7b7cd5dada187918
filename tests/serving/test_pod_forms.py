import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pybase64
import pytest
from PIL import Image as Pillow
from pycocotools.coco import COCO
from starlette.testclient import TestClient

from anomaly.bootstrap import build, queue
from anomaly.service import Service
from anomaly.serving.pod import create_app
from anomaly.serving.pod.accept import wanted
from anomaly.settings import Settings
from tests.pictures import base64_of, encoded, gradient
from tests.services import warm_service

FILE = encoded(gradient(320, 240))
PHOTO = {"image": base64_of(FILE)}


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """Give a warm service."""
    service = warm_service()
    yield service
    service.close()


@pytest.fixture(scope="module")
def pod(service: Service) -> TestClient:
    """Give a client."""
    return TestClient(create_app(service, 0.3))


def opened(data: bytes) -> Pillow.Image:
    """Return the picture in a file."""
    picture = Pillow.open(io.BytesIO(data))
    picture.load()
    return picture


def test_debug_adds_the_annotated_picture_and_the_masks(pod: TestClient) -> None:
    """Both are files in base64; what is drawn is where the answer says."""
    answer = pod.post("/detect", json={**PHOTO, "debug": True, "picture": {"format": "png"}}).json()
    images = {name: opened(pybase64.b64decode(text)) for name, text in answer["debug_images"].items()}
    assert {name: (each.format, each.size) for name, each in images.items()} == {
        "annotated": ("PNG", (320, 240)),
        "masks": ("PNG", (320, 240)),
    }
    drawn = (np.asarray(images["annotated"]) != gradient(320, 240)).any(axis=2)
    painted = np.asarray(images["masks"]).any(axis=2)
    assert drawn[painted].mean() > 0.9
    box = answer["anomalies"][0]["bbox"]
    inside = painted[int(box["y_min"]) : int(box["y_max"]) + 1, int(box["x_min"]) : int(box["x_max"]) + 1]
    assert inside.any()
    assert "debug_images" not in pod.post("/detect", json=PHOTO).json()


@pytest.mark.parametrize(("form", "name"), [("jpeg", "JPEG"), ("png", "PNG"), ("webp", "WEBP")])
def test_the_picture_is_as_large_as_asked_for(pod: TestClient, form: str, name: str) -> None:
    """Format and longer side are the request's."""
    asked = {**PHOTO, "debug": True, "picture": {"format": form, "max_side": 160}}
    picture = opened(pybase64.b64decode(pod.post("/detect", json=asked).json()["debug_images"]["annotated"]))
    assert (picture.format, picture.size) == (name, (160, 120))


def test_csv_adds_the_table_and_the_number(pod: TestClient) -> None:
    """One line for each defect, in a batch of all photographs together."""
    one = pod.post("/detect", json={**PHOTO, "csv": True}).json()
    rows = list(csv.DictReader(io.StringIO(one["csv_data"])))
    assert [row["anomaly_id"] for row in rows] == [each["anomaly_id"] for each in one["anomalies"]]
    assert one["num_findings"] == len(rows) > 0
    batch = pod.post(
        "/detect/batch", json={"images": [PHOTO["image"], "bad", PHOTO["image"]], "csv": True}
    ).json()
    assert batch["num_findings"] == 2 * len(rows)
    assert not any("csv_data" in each for each in batch["results"])


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools' own
def test_coco_is_read_by_pycocotools(pod: TestClient, tmp_path: Path) -> None:
    """The data set of a batch has each photograph once and each defect with its mask."""
    asked = {"images": [PHOTO["image"]] * 2, "frame_ids": ["a", "b"], "coco": True}
    batch = pod.post("/detect/batch", json=asked).json()
    (tmp_path / "coco.json").write_text(json.dumps(batch["coco"]))
    data = COCO(str(tmp_path / "coco.json"))
    assert [data.imgs[each]["file_name"] for each in data.getImgIds()] == ["a", "b"]
    areas = [each["geometry"]["area_pixels"] for photo in batch["results"] for each in photo["anomalies"]]
    assert [int(data.annToMask(data.anns[each]).sum()) for each in data.getAnnIds()] == areas


@pytest.mark.parametrize("path", ["/detect", "/detect/upload"])
def test_accept_csv_answers_the_table_alone(pod: TestClient, path: str) -> None:
    """A spreadsheet reads it as it comes."""
    body = {"json": PHOTO} if path == "/detect" else {"files": {"file": FILE}}
    answer = pod.post(path, headers={"Accept": "text/csv"}, **body)
    assert answer.headers["content-type"].startswith("text/csv")
    assert int(answer.headers["x-anomaly-count"]) == len(answer.text.splitlines()) - 1 > 0


@pytest.mark.parametrize(
    ("accept", "form"), [("image/jpeg", "JPEG"), ("image/png", "PNG"), ("image/webp", "WEBP")]
)
def test_accept_a_picture_answers_the_annotated_one(pod: TestClient, accept: str, form: str) -> None:
    """A person looks at it as it comes."""
    answer = pod.post("/detect", json=PHOTO, headers={"Accept": accept})
    assert answer.headers["content-type"] == accept
    assert (opened(answer.content).format, opened(answer.content).size) == (form, (320, 240))


def test_a_batch_has_no_one_picture(pod: TestClient) -> None:
    """CSV it has, and JSON where a picture is asked for."""
    asked = {"images": [PHOTO["image"], "bad"]}
    table = pod.post("/detect/batch", json=asked, headers={"Accept": "text/csv"})
    assert table.headers["x-error-count"] == "1"
    assert pod.post("/detect/batch", json=asked, headers={"Accept": "image/png"}).json()["error_count"] == 1


def test_an_error_is_json_whatever_is_accepted(pod: TestClient) -> None:
    """Who asks for a picture and sends none reads why."""
    answer = pod.post("/detect", json={"image": "no base64!"}, headers={"Accept": "image/png"})
    assert answer.json()["error"]["code"] == "invalid_base64"


@pytest.mark.parametrize(
    ("header", "form"),
    [
        (None, "json"),
        ("*/*", "json"),
        ("application/json, text/csv", "json"),
        ("text/csv, application/json", "csv"),
        ("text/csv;q=0.5, application/json;q=0.9", "json"),
        ("image/*", "jpeg"),
        ("IMAGE/PNG; q=1", "png"),
        ("text/html", "json"),
        ("text/csv;q=0", "json"),
        ("text/csv;q=much", "json"),
        ("", "json"),
    ],
)
def test_the_best_liked_form_is_answered(header: str | None, form: str) -> None:
    """Quality first, then order; JSON where nothing else is liked."""
    assert wanted(header) == form


@pytest.mark.parametrize("door", ["json", "query", "raw", "form", "batch"])
def test_who_does_not_wait_gets_a_job(door: str, tmp_path: Path) -> None:
    """202 with the job's id and where its status is, which ends with the same findings."""
    settings = Settings(detector_backend="fake", segmenter_backend="fake", cpu_threads=1, state_path=tmp_path)
    service = build(settings)
    service.start()
    service.wait()
    with TestClient(create_app(service, 0.3, queue=queue(settings, service))) as pod:
        match door:
            case "json":
                answer = pod.post("/detect", json={**PHOTO, "frame_id": "mine", "wait_for_result": False})
            case "query":
                answer = pod.post("/detect?wait_for_result=false", json={**PHOTO, "frame_id": "mine"})
            case "raw":
                query = "frame_id=mine&wait_for_result=false"
                answer = pod.post(f"/detect?{query}", content=FILE, headers={"Content-Type": "image/png"})
            case "form":
                fields = {"frame_id": "mine", "wait_for_result": "false"}
                answer = pod.post("/detect/upload", files={"file": FILE}, data=fields)
            case "batch":
                asked = {"images": [PHOTO["image"]], "frame_ids": ["mine"], "wait_for_result": False}
                answer = pod.post("/detect/batch", json=asked)
        assert answer.status_code == 202
        handed_in = answer.json()
        assert handed_in["status"] == "IN_QUEUE"
        assert answer.headers["location"] == handed_in["status_url"] == f"/status/{handed_in['id']}"
        while (status := pod.get(handed_in["status_url"]).json())["status"] != "COMPLETED":
            assert status["status"] in ("IN_QUEUE", "IN_PROGRESS"), status
        output = status["output"]["results"][0] if door == "batch" else status["output"]
        assert output["frame_id"] == "mine"
        assert output["anomalies"] == pod.post("/detect", json=PHOTO).json()["anomalies"]


def test_without_a_queue_everyone_waits(pod: TestClient) -> None:
    """An application without jobs says so."""
    answer = pod.post("/detect", json={**PHOTO, "wait_for_result": False})
    assert answer.status_code == 422
    assert "takes no jobs" in answer.json()["error"]["message"]
