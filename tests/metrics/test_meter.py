import threading

import pytest
from prometheus_client.parser import text_string_to_metric_families

from anomaly.metrics import Meter, State


def figures(meter: Meter) -> dict[str, float]:
    """Read the exposition as Prometheus does: `name{label=value}` and its figure."""
    return {
        f"{sample.name}{sorted(sample.labels.items())}" if sample.labels else sample.name: sample.value
        for family in text_string_to_metric_families(meter.exposition().decode())
        for sample in family.samples
    }


def test_requests_are_counted_by_route_and_errors_by_code() -> None:
    """One answer is one count, and an error one more."""
    meter = Meter()
    meter.requested("/detect", "POST", 200, 0.02, None)
    meter.requested("/detect", "POST", 429, 0.001, "queue_full")
    seen = figures(meter)
    assert seen["anomaly_requests_total[('method', 'POST'), ('path', '/detect'), ('status', '200')]"] == 1
    assert seen["anomaly_request_seconds_count[('path', '/detect')]"] == 2
    assert seen["anomaly_errors_total[('code', 'queue_full')]"] == 1


def test_a_stage_is_timed_even_where_it_fails() -> None:
    """What breaks took its time too."""
    meter = Meter()
    with pytest.raises(ZeroDivisionError), meter.stage("read"):
        raise ZeroDivisionError
    assert figures(meter)["anomaly_stage_seconds_count[('stage', 'read')]"] == 1


def test_a_batch_counts_its_items_and_their_waits() -> None:
    """The size of a batch, and a wait for each of its items."""
    meter = Meter()
    meter.batched([0.1, 0.2, 0.3])
    seen = figures(meter)
    assert seen["anomaly_batch_size_sum"] == 3
    assert seen["anomaly_queue_wait_seconds_count"] == 3


def test_many_notes_are_counted_before_anybody_asks() -> None:
    """What happened between two looks at the figures takes no more room the longer nobody looks."""
    meter = Meter()
    for _ in range(1000):
        meter.photographed("ok", ["crack"])
    name, labels = "anomaly_photos_total", {"outcome": "ok"}
    before = meter.registry.get_sample_value(name, labels)
    assert before is not None
    assert 900 < before < 1000
    assert figures(meter)["anomaly_photos_total[('outcome', 'ok')]"] == 1000


def test_threads_that_note_at_once_lose_no_count() -> None:
    """Each note is counted once, whichever thread counts it."""
    meter = Meter()

    def work() -> None:
        for _ in range(2000):
            meter.staged("read", 0.01)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert figures(meter)["anomaly_stage_seconds_count[('stage', 'read')]"] == 8000


def test_two_meters_know_nothing_of_one_another() -> None:
    """Each service has its own."""
    one, other = Meter(), Meter()
    one.photographed("ok", ["crack", "crack"])
    assert figures(one)["anomaly_defects_total[('defect_type', 'crack')]"] == 2
    assert "anomaly_defects_total[('defect_type', 'crack')]" not in figures(other)


def test_the_state_is_read_when_it_is_asked_for() -> None:
    """Nested figures by their path; what is not known is left out."""
    meter, told = Meter(), {"queue": {"waiting": 3, "limit": "many"}, "ready": True}
    meter.registry.register(State(lambda: told, lambda: {"embeddings": {"hits": 7}}))
    assert figures(meter)["anomaly_queue_waiting"] == 3
    told["queue"] = {"waiting": 4}
    seen = figures(meter)
    assert (seen["anomaly_queue_waiting"], seen["anomaly_ready"]) == (4, 1)
    assert seen["anomaly_embedding_cache_hits_total"] == 7
    assert "anomaly_queue_limit" not in seen
