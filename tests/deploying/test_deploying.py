import io
import json
import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from anomaly.errors import ConfigurationError
from anomaly.serving.pod import create_app
from anomaly.simulator import Simulator
from deploying import bodies, smoke
from deploying.__main__ import main
from deploying.config import Deployment
from deploying.platform import Platform
from tests.deploying.account import KEY, Account, account
from tests.listener import on_uvicorn
from tests.services import warm_service
from tests.serving.endpoint import served
from tests.test_image import settings

EXAMPLE = Path(__file__).parents[2] / "deploying" / "example.toml"


def write(path: Path, **changes: Any) -> Path:
    """Write the example with some of its top-level lines changed; give the file."""
    text = EXAMPLE.read_text()
    for name, value in changes.items():
        text, found = re.subn(
            rf"^{name} = \S+", f"{name} = {json.dumps(value)}", text, count=1, flags=re.MULTILINE
        )
        assert found == 1, name
    path.write_text(text)
    return path


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a program named docker first in the path, which writes down what it is asked; give that file."""
    log = tmp_path / "docker.log"
    program = tmp_path / "bin" / "docker"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$*" >> {log}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("RUNPOD_API_KEY", KEY)
    return log


def done(*arguments: str) -> tuple[int, str]:
    """Run the command; give its exit code and what it wrote."""
    out = io.StringIO()
    return main(arguments, out), out.getvalue()


@pytest.fixture(scope="module")
def sim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """Run RunPod's queue with our worker behind it."""
    with served(tmp_path_factory.mktemp("endpoint") / "log") as endpoint:
        yield endpoint.sim


def test_the_example_has_every_field_with_its_default() -> None:
    """The file that one copies shows all there is, and what it says is what holds when it is left out."""
    shown = tomllib.loads(EXAMPLE.read_text())
    assert set(shown) == set(Deployment.model_fields)
    read = Deployment.read(EXAMPLE)
    bare = Deployment(name=read.name, way=read.way, image=read.image)
    assert read.model_copy(update={"environment": {}}) == bare
    for table in ("build", "gpu", "workers"):
        assert set(shown[table]) == set(type(getattr(bare, table)).model_fields)


@pytest.mark.parametrize(
    ("way", "serverless", "http_port"),
    [("pod", False, 8000), ("queue", True, 8000), ("load-balancer", False, 8000)],
)
def test_the_environment_is_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, serverless: bool, http_port: int
) -> None:
    """What the container is given makes the server run in that mode, on the port that is exposed."""
    deployment = Deployment.read(write(tmp_path / "d.toml", way=way, volume="vol1"))
    told = settings(monkeypatch, deployment.variables())
    assert (told.serverless, told.http_port, told.pulse_port) == (serverless, http_port, None)
    body = bodies.to_create(deployment)
    assert body["ports"] == ([] if way == "queue" else [f"{http_port}/http"])
    if way == "pod":
        assert body["mounts"]["network"][0]["path"] == str(told.volume_path)
    else:
        assert body["networkVolumes"] == ["vol1"]


def test_a_queue_is_deployed_updated_tested_and_taken_down(
    tmp_path: Path, docker: Path, sim: Simulator
) -> None:
    """`up` builds, pushes, creates and finds the crack through the queue; again, it updates; `down` removes."""
    config = str(write(tmp_path / "deploy.toml", name="mine"))
    with account({"runSync": f"{sim.url}/runsync"}) as runpod:
        there = ("--api", runpod.address, "--config", config, "--within", "60")
        code, out = done("up", *there)
        assert (code, docker.read_text().splitlines()) == (
            0,
            [
                "build --platform linux/amd64 --tag docker.io/example/anomaly-server:0.1.0"
                " --build-arg DEVICE=gpu .",
                "push docker.io/example/anomaly-server:0.1.0",
            ],
        ), out
        assert f"{sim.url} found" in out
        [made] = runpod.kept["serverless"].values()
        assert (made["type"], made["scaling"]) == ("QUEUE", {"type": "QUEUE_DELAY", "queueDelay": 4.0})
        assert "created id0" in out

        write(tmp_path / "deploy.toml", name="mine", disk_gb=40)
        code, out = done("up", "--no-build", "--no-test", *there)
        assert (code, "updated id0" in out, runpod.kept["serverless"]["id0"]["disk"]) == (0, True, 40)
        assert len(runpod.kept["serverless"]) == 1

        assert done("down", *there)[0] == 0
        assert runpod.kept["serverless"] == {}
        code, out = done("down", *there)
        assert (code, "there is nothing named 'mine'" in out) == (0, True)


@pytest.mark.parametrize("way", ["pod", "load-balancer"])
def test_an_http_server_is_deployed_and_tested(
    tmp_path: Path, docker: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """A pod and a load balancer are asked over HTTP once /ping says ready; both find the crack."""
    config = str(write(tmp_path / "deploy.toml", way=way))
    service = warm_service()
    with on_uvicorn(create_app(service, 0.3)) as url, account({"base": url}) as runpod:
        monkeypatch.setattr(smoke, "POD", url)
        code, out = done("up", "--api", runpod.address, "--config", config, "--within", "30")
        assert (code, f"{url} found" in out) == (0, True), out
        [made] = runpod.kept["pods" if way == "pod" else "serverless"].values()
        assert made["gpu"] == (
            {"id": "NVIDIA RTX A4000", "count": 1, "minCudaVersion": "13.0"}
            if way == "pod"
            else {"pools": ["AMPERE_16", "AMPERE_24", "ADA_24"], "count": 1, "minCudaVersion": "13.0"}
        )
        assert done("test", "--api", runpod.address, "--config", config, "--within", "30")[0] == 0
        assert "PATCH /v2" not in " ".join(runpod.asked)


def test_a_server_that_never_answers_is_said(tmp_path: Path, docker: Path) -> None:
    """A worker that does not come up within the time is an error with the last status, and exit code 1."""
    config = str(write(tmp_path / "deploy.toml", way="load-balancer"))
    with account({"base": "http://127.0.0.1:9"}) as runpod:
        assert done("up", "--api", runpod.address, "--config", config, "--within", "0.3")[0] == 1


def test_a_dry_run_prints_each_step_and_does_none(
    tmp_path: Path, docker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every command and every call is printed, secrets of the shell are not, and nothing happens."""
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    path = write(tmp_path / "deploy.toml")
    path.write_text(path.read_text() + 'HF_TOKEN = "$HF_TOKEN"\n')
    with account() as runpod:
        code, out = done("up", "--dry-run", "--api", runpod.address, "--config", str(path))
        assert done("down", "--dry-run", "--api", runpod.address, "--config", str(path))[0] == 0
        assert runpod.asked == []
    assert code == 0
    assert not docker.exists()
    for step in (
        "$ docker build",
        "$ docker push",
        "GET /v2/serverless",
        "POST /v2/serverless",
        "PATCH /v2",
        "sample",
    ):
        assert step in out
    assert "hf_secret" not in out
    assert '"HF_TOKEN": "(from your shell)"' in out


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ('way = "cloud"', "way"),
        ("min = -1", "workers.min"),
        ('weights = ["sam9"]', "no weights sam9"),
        ('LOG_LEVELS = "info"', "reads no variable LOG_LEVELS"),
        ('PORT = "1"', "follow from `way`"),
        ('HF_TOKEN = "$NO_SUCH_VARIABLE"', "this shell has no NO_SUCH_VARIABLE"),
        ("name = ", "not TOML"),
    ],
)
def test_a_mistake_in_the_file_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: str, message: str
) -> None:
    """Each mistake names its place, with exit code 1 and no traceback."""
    name = change.partition(" =")[0]
    text = EXAMPLE.read_text()
    changed, found = re.subn(rf"^{name} = .*", change, text, count=1, flags=re.MULTILINE)
    path = tmp_path / "deploy.toml"
    path.write_text(changed if found else f"{text}{change}\n")
    assert done("up", "--dry-run", "--config", str(path))[0] == 1
    assert message in capsys.readouterr().err


def test_a_missing_file_and_a_missing_key_are_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without deploy.toml, or without RUNPOD_API_KEY, one sentence says what to do."""
    assert done("up", "--config", str(tmp_path / "none.toml"))[0] == 1
    assert "copy deploying/example.toml" in capsys.readouterr().err
    monkeypatch.delenv("RUNPOD_API_KEY", raising=False)
    assert done("up", "--config", str(EXAMPLE))[0] == 1
    assert "RUNPOD_API_KEY is not set" in capsys.readouterr().err


def trouble(runpod: Account, method: str, body: Any = None, key: str = KEY) -> str:
    """Make a call that fails; return what is said."""
    platform = Platform(key, runpod.address)
    with pytest.raises(ConfigurationError) as failure:
        platform.call(method, "/v2/pods", body)
    platform.close()
    return str(failure.value)


def test_what_the_platform_refuses_is_quoted() -> None:
    """A wrong key, a wrong body and an empty account are said with what to do; creating is not tried twice."""
    with account() as runpod:
        assert "Set RUNPOD_API_KEY" in trouble(runpod, "GET", key="other")
        assert "additional property x" in trouble(runpod, "POST", {"x": 1})
        runpod.troubles = [402]
        assert "Add credit" in trouble(runpod, "POST", {})
        runpod.asked.clear()
        runpod.troubles = [503]
        assert "503" in trouble(runpod, "POST", {})
        assert len(runpod.asked) == 1
        runpod.troubles = [503, 429]
        platform = Platform(KEY, runpod.address)
        assert platform.call("GET", "/v2/pods") == {"pods": []}
        platform.close()


def test_two_of_one_name_are_not_guessed_at(tmp_path: Path, docker: Path) -> None:
    """Where two endpoints have the name nothing is changed."""
    with account() as runpod:
        runpod.kept["serverless"] = {each: {"id": each, "name": "anomaly-server"} for each in ("a", "b")}
        assert done("down", "--api", runpod.address, "--config", str(EXAMPLE))[0] == 1
        assert len(runpod.kept["serverless"]) == 2
