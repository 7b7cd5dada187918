from starlette.testclient import TestClient

from anomaly.serving.pod import create_app
from tests.pictures import base64_of, encoded
from tests.services import warm_service

PHOTO = base64_of(encoded())


def test_an_operator_sees_requests_photos_stages_and_the_queue() -> None:
    """What went through the server stands in /metrics, and what strangers make up has one name."""
    service = warm_service(fake_boxes=2)
    pod = TestClient(create_app(service, 0.3))
    pod.post("/detect", json={"image": PHOTO})
    pod.post("/detect/batch", json={"images": [PHOTO, "no base64!"]})
    pod.post("/detect", json={})
    pod.get("/made/up")
    pod.get("/made/up/too")
    answer = pod.get("/metrics")
    service.close()
    assert answer.headers["content-type"].startswith("text/plain")
    lines = dict(line.rsplit(" ", 1) for line in answer.text.splitlines() if not line.startswith("#"))
    figures = {name: float(value) for name, value in lines.items()}
    assert figures['anomaly_requests_total{method="POST",path="/detect",status="200"}'] == 1
    assert figures['anomaly_requests_total{method="POST",path="/detect",status="422"}'] == 1
    assert figures['anomaly_requests_total{method="GET",path="other",status="404"}'] == 2
    assert figures['anomaly_errors_total{code="invalid_request"}'] == 1
    assert figures['anomaly_errors_total{code="not_found"}'] == 2
    assert figures['anomaly_photos_total{outcome="ok"}'] == 2
    assert figures['anomaly_photos_total{outcome="invalid_base64"}'] == 1
    assert figures['anomaly_defects_total{defect_type="crack"}'] > 0
    for stage in ("read", "detect", "segment", "measure", "write"):
        assert figures[f'anomaly_stage_seconds_count{{stage="{stage}"}}'] > 0, stage
    assert figures["anomaly_batch_size_sum"] == figures["anomaly_queue_wait_seconds_count"] == 2
    assert figures["anomaly_queue_waiting"] == 0
    assert figures["anomaly_ready"] == 1
    assert figures["anomaly_resident_megabytes"] > 0
