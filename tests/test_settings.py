import dataclasses
from pathlib import Path

import pytest

from anomaly.errors import ConfigurationError
from anomaly.settings import Settings
from anomaly.types import Limits


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def test_the_defaults_are_the_documented_ones() -> None:
    """With an empty environment the server is a pod with the guide's defaults."""
    settings = Settings.read()
    assert not settings.serverless
    assert (settings.detector_variant, settings.confidence_threshold) == ("medium", 0.3)
    assert (settings.api_host, settings.api_port) == ("0.0.0.0", 8000)  # noqa: S104
    assert settings.sam_model_path == Path("/models/sam3.pt")
    assert (settings.detector_backend, settings.segmenter_backend) == ("auto", "auto")


@pytest.mark.parametrize(
    ("flag", "job_take", "serverless"),
    [
        (None, None, False),
        (None, "https://example.org/job-take/1?gpu=X", True),
        ("false", "https://example.org/job-take/1?gpu=X", False),
        ("true", None, True),
        ("", "https://example.org/job-take/1?gpu=X", True),
        ("1", None, True),
    ],
)
def test_the_mode_is_the_flag_or_where_it_runs(
    monkeypatch: pytest.MonkeyPatch, flag: str | None, job_take: str | None, serverless: bool
) -> None:
    """RUNPOD_SERVERLESS decides; left out or empty, RunPod's job-take variable does."""
    if flag is not None:
        monkeypatch.setenv("RUNPOD_SERVERLESS", flag)
    if job_take is not None:
        monkeypatch.setenv("RUNPOD_WEBHOOK_GET_JOB", job_take)
    assert Settings.read().serverless is serverless


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CONFIDENCE_THRESHOLD", "1.5"),
        ("CONFIDENCE_THRESHOLD", "nan"),
        ("DETECTOR_VARIANT", "huge"),
        ("API_PORT", "http"),
        ("VRAM_BUDGET_MB", "-1"),
        ("DETECTOR_NUM_CLASSES", "0"),
        ("RUNPOD_SERVERLESS", "perhaps"),
    ],
)
def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """A value that cannot be is refused with the variable's name and what it was."""
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=f"^{name}='{value}': "):
        Settings.read()


def test_the_limits_are_settable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each limit is a variable of its own name."""
    for number, field in enumerate(dataclasses.fields(Limits), start=1):
        monkeypatch.setenv(field.name.upper(), str(number))
    assert Settings.read().limits == Limits(1, 2, 3, 4)


def test_settings_cannot_be_changed() -> None:
    """Settings are read once and stay as they are."""
    with pytest.raises(ValueError, match="frozen"):
        Settings.read().api_port = 1  # type: ignore[misc]


def test_no_message_repeats_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong key is named by its variable alone: start-up errors are logged."""
    monkeypatch.setenv("API_KEYS", "tooshort")
    with pytest.raises(ConfigurationError) as error:
        Settings.read()
    assert "API_KEYS" in str(error.value)
    assert "tooshort" not in str(error.value)


@pytest.mark.parametrize("rate", ["often", "0", "10/fortnight"])
def test_a_rate_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, rate: str) -> None:
    """A limit that cannot be read ends the start, not the first request."""
    monkeypatch.setenv("RATE_LIMIT", rate)
    with pytest.raises(ConfigurationError, match="RATE_LIMIT"):
        Settings.read()


@pytest.mark.parametrize(
    ("variables", "serverless", "http_port", "pulse_port"),
    [
        ({}, False, 8000, None),
        ({"API_PORT": "1", "PORT": "2"}, False, 2, None),
        ({"PORT": "2", "PORT_HEALTH": "2"}, False, 2, None),
        ({"PORT": "2", "PORT_HEALTH": "3"}, False, 2, 3),
        ({"RUNPOD_SERVERLESS": "true", "PORT": "2"}, True, 2, None),
        ({"RUNPOD_SERVERLESS": "true", "PORT": "2", "PORT_HEALTH": "3"}, False, 2, 3),
        ({"RUNPOD_SERVERLESS": "true", "RUNPOD_LOAD_BALANCER": "true"}, False, 8000, None),
        ({"RUNPOD_WEBHOOK_GET_JOB": "https://x/?gpu=1", "PORT_HEALTH": "3"}, False, 8000, 3),
        ({"RUNPOD_WEBHOOK_GET_JOB": "https://x/?gpu=1", "RUNPOD_LOAD_BALANCER": "true"}, False, 8000, None),
        (
            {"RUNPOD_SERVERLESS": "true", "RUNPOD_LOAD_BALANCER": "false", "PORT_HEALTH": "3"},
            True,
            8000,
            None,
        ),
    ],
)
def test_a_load_balancers_worker_is_told_by_its_ports(
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    serverless: bool,
    http_port: int,
    pulse_port: int | None,
) -> None:
    """PORT_HEALTH, or RUNPOD_LOAD_BALANCER, makes the HTTP server of what would be a queue's worker."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    settings = Settings.read()
    assert (settings.serverless, settings.http_port, settings.pulse_port) == (
        serverless,
        http_port,
        pulse_port,
    )
