"""The SDK is what the loop was written for; a change in it fails here first."""

import hashlib
import inspect
import logging
from typing import Any

import pytest

from anomaly.serving.worker import sdk
from anomaly.serving.worker.recycling import Recycling
from anomaly.serving.worker.startup import start

pytestmark = pytest.mark.xdist_group("sdk")

FINGERPRINTS = {
    "http_client.AsyncClientSession": "1c7910233ce3",
    "http_client.get_auth_header": "ae9468322794",
    "serverless.modules.rp_fitness.run_fitness_checks": "cdfb0bbbce0e",
    "serverless.modules.rp_http._handle_result": "ce88ccb812bc",
    "serverless.modules.rp_http._transmit": "fc9d60458af9",
    "serverless.modules.rp_http.stream_result": "7964e8422e9f",
    "serverless.modules.rp_job._job_get_url": "08b9c30905c6",
    "serverless.modules.rp_job.get_job": "8ce238208ca5",
    "serverless.modules.rp_job.get_stop_signals": "031a55cb8506",
    "serverless.modules.rp_job.handle_job": "849f93639768",
    "serverless.modules.rp_job.run_job": "3d5c3ab8a46d",
    "serverless.modules.rp_scale.JobScaler": "b9b75d9270a3",
    "serverless.modules.worker_state.JobsProgress": "36fc501c771d",
    "serverless.register_fitness_check": "04e7f54e5b2c",
    "serverless.start": "aa3f846dcfc5",
    "serverless.worker.run_worker": "ce0b9b3f79f9",
}
"""The source of what the loop calls or replaces, in runpod 1.12. Where one changes, read the new source: does
`loop.py` still do what it has to? Then enter the new fingerprint."""


def fingerprint(found: object) -> str:
    """Return the beginning of the source's sha256."""
    return hashlib.sha256(inspect.getsource(found).encode()).hexdigest()[:12]  # type: ignore[arg-type]


def test_the_sdks_internals_are_those_that_the_loop_was_written_for() -> None:
    """Each function that is called, and the loop that is replaced, has the source that was read."""
    import runpod.serverless
    from runpod.serverless import worker  # noqa: F401 - found below runpod by its name

    assert {name: fingerprint(sdk.find(runpod, name)) for name in FINGERPRINTS} == FINGERPRINTS


@pytest.mark.parametrize(
    ("module", "name", "value", "sentence"),
    [
        ("rp_job", "get_job", lambda session: None, "get_job takes"),
        ("rp_job", "get_stop_signals", None, "has no serverless.modules.rp_job.get_stop_signals"),
        ("rp_http", "JOB_DONE_URL", "elsewhere", "has no $ID"),
    ],
)
def test_an_sdk_that_is_not_as_expected_runs_its_own_loop(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    module: str,
    name: str,
    value: object,
    sentence: str,
) -> None:
    """The stock loop starts, with the concurrency and a handler that it can use, and the log says why."""
    import runpod.serverless
    from runpod.serverless.modules import rp_http, rp_job, rp_scale

    started: list[dict[str, Any]] = []
    stock = rp_scale.JobScaler
    monkeypatch.setattr(rp_http, "JOB_DONE_URL", "http://127.0.0.1/job-done/w/$ID?gpu=x")
    monkeypatch.setattr({"rp_job": rp_job, "rp_http": rp_http}[module], name, value)
    monkeypatch.setattr(runpod.serverless, "start", started.append)

    async def handle(job: dict[str, Any]) -> dict[str, object]:
        return {"error": "none"}

    with caplog.at_level(logging.WARNING):
        start(handle, 5, Recycling())
    assert sentence in caplog.text
    assert "the SDK's own loop runs instead" in caplog.text
    [config] = started
    assert config["concurrency_modifier"](1) == 5
    assert rp_scale.JobScaler is stock


@pytest.mark.parametrize(
    ("url", "known"), [("JOB_STREAM_URL", False), ("http://127.0.0.1/job-stream/w/$ID?gpu=x", True)]
)
def test_a_platform_without_a_stream_is_known(monkeypatch: pytest.MonkeyPatch, url: str, known: bool) -> None:
    """What the SDK has in place of the stream's URL where the platform gives none is not taken for one."""
    from runpod.serverless.modules import rp_http

    monkeypatch.setattr(rp_http, "JOB_DONE_URL", "http://127.0.0.1/job-done/w/$ID?gpu=x")
    monkeypatch.setattr(rp_http, "JOB_STREAM_URL", url)
    parts = sdk.load()
    assert isinstance(parts, sdk.Sdk)
    assert (parts.stream_url is not None) is known
