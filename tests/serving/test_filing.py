import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from anomaly.errors import StorageError
from anomaly.outbound import anywhere
from anomaly.service import Service
from anomaly.serving.pod import create_app
from anomaly.serving.storing.filing import Filing
from anomaly.serving.storing.shelf import Shelf
from anomaly.storage import Bucket, Target, from_s3_config
from tests import buckets
from tests.pictures import base64_of, encoded, gradient
from tests.services import warm_service

PHOTO = {"image": base64_of(encoded(gradient(320, 240)))}


@pytest.fixture(scope="module")
def endpoint_url() -> Iterator[str]:
    """Give the URL of an S3 server on loopback."""
    with buckets.served() as url:
        yield url


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """Give a warm service."""
    service = warm_service()
    yield service
    service.close()


@pytest.fixture
def target(endpoint_url: str) -> Target:
    """Give the operator's bucket, below a prefix."""
    return replace(buckets.new_bucket(endpoint_url), prefix="bridges/")


@pytest.fixture
def pod(service: Service, target: Target) -> TestClient:
    """Give a pod whose operator has a bucket."""
    return TestClient(create_app(service, 0.3, filing=Filing(Shelf(target, anywhere), keep_s=3600)))


def stored(pod: TestClient, **asked: Any) -> dict[str, Any]:
    """Store the answer for the photograph and return it."""
    answer: dict[str, Any] = pod.post("/detect", json={**PHOTO, "store": True, **asked}).json()
    assert "error" not in answer, answer
    return answer


def keys(target: Target) -> set[str]:
    """Return the keys of the bucket below its prefix."""
    return {each.key for each in Bucket(target).list()}


def read(url: str) -> bytes:
    """Read a link without a key."""
    with httpx2.Client(trust_env=False) as http:
        return http.get(url).raise_for_status().content


def test_an_answer_is_kept_with_its_masks_pictures_and_tables(pod: TestClient, target: Target) -> None:
    """What is large becomes files with links; the result names them by their paths."""
    answer = stored(pod, include_masks=True, debug=True, csv=True, coco=True)
    told = answer["stored"]
    folder = f"temporary/{told['result_id']}/"
    files = {"result.json", "0/masks.json", "0/annotated.jpg", "0/masks.png", "0/findings.csv", "0/coco.json"}
    assert set(told["links"]) <= {*files, "findings.csv", "coco.json"}
    assert keys(target) == {folder + each for each in told["links"]}
    assert (told["bucket"], told["prefix"], told["kept"]) == (target.bucket, f"bridges/{folder}", False)
    assert "debug_images" not in answer
    assert "mask" not in answer["anomalies"][0]
    result = json.loads(read(told["links"]["result.json"]))
    assert result["masks_url"] in told["links"]
    masks = json.loads(read(answer["masks_url"]))
    assert set(masks) >= {each["anomaly_id"] for each in answer["anomalies"]}
    assert read(answer["debug_image_urls"]["annotated"]).startswith(b"\xff\xd8")
    assert result["anomalies"] == answer["anomalies"]


def test_a_reviewed_result_moves_to_where_nothing_expires(pod: TestClient, target: Target) -> None:
    """One call moves the whole folder; a second one changes nothing, and new links read it."""
    identity = stored(pod, include_masks=True)["stored"]["result_id"]
    kept = pod.post(f"/results/{identity}/keep").json()
    assert kept["kept"]
    assert keys(target) == {f"kept/{identity}/{name}" for name in kept["links"]}
    assert json.loads(read(kept["links"]["result.json"]))["anomaly_count"] > 0
    again = pod.post(f"/results/{identity}/keep").json()
    assert set(again["links"]) == set(kept["links"])
    assert pod.get(f"/results/{identity}").json()["kept"]


def test_what_nobody_kept_expires(service: Service, target: Target) -> None:
    """After its time a temporary result is gone, a kept one stays."""
    pod = TestClient(create_app(service, 0.3, filing=Filing(Shelf(target, anywhere), keep_s=3600)))
    kept, left = (stored(pod)["stored"]["result_id"] for _ in range(2))
    pod.post(f"/results/{kept}/keep")
    assert asyncio.run(Filing(Shelf(target, anywhere), keep_s=3600).expire()) == 0
    assert asyncio.run(Filing(Shelf(target, anywhere), keep_s=-60).expire()) == 1
    assert pod.get(f"/results/{left}").json()["error"]["code"] == "not_found"
    assert pod.get(f"/results/{kept}").status_code == 200


def test_what_others_keep_in_a_folder_of_that_name_stays(target: Target) -> None:
    """The server deletes results of its own alone, whatever else is called temporary."""
    bucket = Bucket(target)
    bucket.put("temporary/survey-2019.zip", b"zip", "application/zip")
    assert asyncio.run(Filing(Shelf(target, anywhere), keep_s=-60).expire()) == 0
    assert keys(target) == {"temporary/survey-2019.zip"}


def test_a_name_that_moves_to_a_private_address_is_not_followed(endpoint_url: str) -> None:
    """What counts is the address that is connected to, not the one that the name had when it was checked."""
    looks: list[object] = []

    def public_at_first(address: object) -> bool:
        looks.append(address)
        return len(looks) == 1

    own = buckets.new_bucket(endpoint_url)
    bucket = asyncio.run(Shelf(permits=public_at_first).open(own))
    with pytest.raises(StorageError):
        bucket.put("a", b"a", "text/plain")
    assert len(looks) > 1
    assert keys(own) == set()


def test_an_endpoint_that_is_no_host_name_says_so() -> None:
    """Containers' names have underscores, and S3's library takes none."""
    own = {
        "endpointUrl": "http://my_store:9000",
        "accessId": "a",
        "accessSecret": "b",
        "bucketName": "bucket",
    }
    with pytest.raises(StorageError, match="letters, digits and hyphens"):
        Bucket(from_s3_config(own))


def test_a_prefix_of_the_callers_is_part_of_the_way(pod: TestClient, target: Target) -> None:
    """A result that was stored below a prefix is found and kept with it."""
    identity = stored(pod, s3_prefix="span-3/north")["stored"]["result_id"]
    assert keys(target) == {f"temporary/span-3/north/{identity}/result.json"}
    assert pod.get(f"/results/{identity}").status_code == 404
    assert pod.get(f"/results/{identity}?s3_prefix=span-3/north").status_code == 200
    assert pod.post(f"/results/{identity}/keep", json={"s3_prefix": "span-3/north"}).json()["kept"]
    beside = pod.post(f"/results/{identity}/keep?s3_prefix=span-3/north", json={"s3_bucket": target.bucket})
    assert beside.json()["kept"]


def test_a_batch_is_kept_as_one_result(pod: TestClient, target: Target) -> None:
    """Each photograph has its folder in the result's; one that failed is told in the result."""
    asked = {"images": [PHOTO["image"], "no base64!", PHOTO["image"]], "include_masks": True, "store": True}
    told = pod.post("/detect/batch", json=asked).json()["stored"]
    assert set(told["links"]) == {"result.json", "0/masks.json", "2/masks.json"}


def test_a_callers_own_bucket_takes_the_answer(service: Service, endpoint_url: str) -> None:
    """With s3Config no bucket of the operator's is needed, and the key comes back nowhere."""
    own = buckets.new_bucket(endpoint_url)
    pod = TestClient(create_app(service, 0.3, filing=Filing(Shelf(None, anywhere))))
    config = {
        "endpointUrl": endpoint_url,
        "accessId": own.access_key_id,
        "accessSecret": own.secret_access_key,
        "bucketName": "another",
    }
    answer = stored(pod, s3Config=config, s3_bucket=own.bucket)
    assert answer["stored"]["bucket"] == own.bucket
    assert keys(own) == {f"temporary/{answer['stored']['result_id']}/result.json"}
    assert buckets.SECRET not in json.dumps(answer)
    kept = pod.post(
        f"/results/{answer['stored']['result_id']}/keep", json={"s3Config": config, "s3_bucket": own.bucket}
    )
    assert kept.json()["kept"]


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({"s3_bucket": "not-the-operators"}, 422, "invalid_request"),
        ({"s3_prefix": "../up"}, 422, "invalid_request"),
        ({"s3_prefix": "/root"}, 422, "invalid_request"),
        ({"store": True, "s3Config": {"endpointUrl": "https://a"}}, 422, "invalid_request"),
    ],
)
def test_a_wrong_place_is_refused_before_the_models_look(
    pod: TestClient, asked: dict[str, Any], status: int, code: str
) -> None:
    """A foreign bucket, a way out of the folder and half a configuration are the caller's to mend."""
    answer = pod.post("/detect", json={**PHOTO, **asked})
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_without_a_bucket_nothing_is_stored(service: Service) -> None:
    """The message says what would help."""
    answer = TestClient(create_app(service, 0.3)).post("/detect", json={**PHOTO, "store": True})
    assert answer.status_code == 422
    assert "s3Config" in answer.json()["error"]["message"]


@pytest.mark.parametrize("identity", ["res_" + "0" * 32, "res_x", "..%2Fkept"])
def test_an_unknown_result_is_not_found(pod: TestClient, identity: str) -> None:
    """404, and no way to look elsewhere in the bucket."""
    assert pod.get(f"/results/{identity}").status_code == 404
    assert pod.post(f"/results/{identity}/keep").status_code == 404
