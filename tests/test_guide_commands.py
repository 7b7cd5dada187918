"""Every command of the operator's guide is run: against stand-ins for Docker and RunPod's API, a simulated queue
with our worker behind it, and a real server, where the guide's reader has the real ones."""

import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import yaml

from anomaly.bootstrap import manifest
from anomaly.serving.pod import create_app
from anomaly.simulator import Simulator
from deploying.dockerfile import read
from tests import markdown
from tests.deploying.account import KEY, Account, account
from tests.listener import on_uvicorn
from tests.services import warm_service
from tests.serving.endpoint import served
from tests.test_entrypoint import environment, free_port, wait_until_ready

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "RUNPOD_DEPLOYMENT.md").read_text(encoding="utf-8")
BLOCKS = markdown.examples(GUIDE, "bash")

pytestmark = pytest.mark.xdist_group("guide")  # one platform for all

SERVERS = [each for each in BLOCKS if "entrypoint.py" in each or "anomaly.simulator" in each]
"""Commands that run until they are told to stop: each has a test of its own."""

DOCKER = '#!/bin/sh\nfor word in "$@"; do printf "%s\\t" "$word"; done >> docker.log; echo >> docker.log\n'
CURL = """#!{python}
import os, sys
far = {{
    "https://api.runpod.ai/v2/endpoint": os.environ["QUEUE"],
    "https://endpoint.api.runpod.ai": os.environ["SERVER"],
    "http://localhost:8000": os.environ["SERVER"],
}}
def near(word):
    for there, here in far.items():
        word = word.replace(there, here)
    return word
os.execv("{curl}", ["curl", "--fail-with-body", *map(near, sys.argv[1:])])
"""
PYTHON = """#!/bin/sh
case "$*" in
"-m deploying up"|"-m deploying test"|"-m deploying down") exec {python} "$@" --api "$ACCOUNT" --within 60 ;;
*) exec {python} "$@" ;;
esac
"""
ANOMALY = '#!/bin/sh\nexec {python} -m anomaly.cli "$@"\n'
MAKE = '#!/bin/sh\nexec {make} --dry-run "$@"\n'


def check_docker(words: list[str]) -> None:
    """Check a call of Docker's as far as it can be told: what is built is declared, what is started described."""
    arguments, stages = read(ROOT / "Dockerfile")
    if words[0] == "build":
        asked = [each for at, each in enumerate(words) if words[at - 1] == "--build-arg"]
        declared = {
            i.text.partition("=")[0] for stage in stages for i in stage.instructions if i.name == "ARG"
        }
        for name, _, value in (each.partition("=") for each in asked):
            assert name in declared | set(arguments)
            assert name != "WEIGHTS" or set(value.split()) <= {each.name for each in manifest()}
        assert words[-1] == "."
    elif words[0] == "compose":
        files = [each for at, each in enumerate(words) if words[at - 1] == "--file"] or ["compose.yaml"]
        services = [set(yaml.safe_load((ROOT / each).read_text())["services"]) for each in files]
        assert words[-2] == "up"
        assert words[-1] in set.intersection(*services)
    else:
        assert words[0] == "push"


@dataclass
class Desk:
    """Where the commands are typed: a folder that looks like the repository, and an environment."""

    folder: Path
    environment: dict[str, str]

    def run(self, block: str) -> str:
        """Run a block as a shell does; give what it wrote. Fails where a command of it does."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def sim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """Run RunPod's queue with our worker behind it."""
    with served(tmp_path_factory.mktemp("endpoint") / "log") as endpoint:
        yield endpoint.sim


@pytest.fixture(scope="module")
def runpod(sim: Simulator) -> Iterator[Account]:
    """Run RunPod's REST API, whose endpoints are the simulated queue."""
    with account({"runSync": f"{sim.url}/runsync"}) as runpod:
        yield runpod


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, sim: Simulator, runpod: Account) -> Iterator[Desk]:
    """Give a place to type in, beside a server."""
    if missing := [each for each in ("bash", "curl", "make", "base64", "sed") if shutil.which(each) is None]:
        pytest.skip(f"this machine has no {', '.join(missing)}")
    folder = tmp_path_factory.mktemp("desk")
    for each in ROOT.iterdir():
        if each.name not in (".git", ".venv", "deploy.toml"):
            (folder / each.name).symlink_to(each)
    (folder / "photo.jpg").symlink_to(ROOT / "samples" / "crack.jpg")
    programs = folder / "programs"
    programs.mkdir()
    for name, text in {
        "docker": DOCKER, "curl": CURL, "python": PYTHON, "anomaly": ANOMALY, "make": MAKE,
    }.items():  # fmt: skip
        (programs / name).write_text(
            text.format(python=sys.executable, curl=shutil.which("curl"), make=shutil.which("make"))
        )
        (programs / name).chmod(0o755)
    service = warm_service()
    with on_uvicorn(create_app(service, 0.3)) as url:
        variables = environment(
            QUEUE=sim.url,
            SERVER=url,
            ACCOUNT=runpod.address,
            ENDPOINT_ID="endpoint",
            RUNPOD_API_KEY=KEY,
            HOME=str(folder),
        )
        yield Desk(folder, variables | {"PATH": f"{programs}:{variables['PATH']}"})


@pytest.mark.parametrize(
    "block", [each for each in BLOCKS if each not in SERVERS], ids=lambda each: each[:40]
)
def test_each_command_works(desk: Desk, runpod: Account, block: str) -> None:
    """Whatever a reader types ends with status 0."""
    if "deploy.toml" not in block and "deploying" in block:
        (desk.folder / "deploy.toml").write_text((ROOT / "deploying" / "example.toml").read_text())
    log = desk.folder / "docker.log"
    log.unlink(missing_ok=True)
    written = desk.run(block)
    calls = [line.strip("\t").split("\t") for line in log.read_text().splitlines()] if log.exists() else []
    for each in calls:
        check_docker(each)
    assert len(calls) >= len(re.findall(r"^docker", block, flags=re.MULTILINE))
    if "runsync" in block or "crack.jpg" in block:
        assert '"anomaly_id"' in written
    if "COMPLETED" in written:
        assert written.count("COMPLETED") == block.count("runsync")
        assert '"start_ms"' in written
    if "--dry-run" in block:
        assert "POST /v2/serverless" in written
    if "deploying up\n" in block:
        assert "created" in written
        assert written.count("on the sample") >= 2
        assert runpod.kept["serverless"] == {}


def test_every_block_is_known() -> None:
    """No command is shown that these tests do not run."""
    assert len(BLOCKS) > 12
    assert len(SERVERS) == 4
    for block in BLOCKS:
        for line in filter(None, re.split(r"\n|\| ", block.replace("\\\n", " "))):
            words = [each for each in shlex.split(line) if not re.fullmatch(r"[A-Z_]+=\S*", each)]
            program = words[0] if words[0] != "exec" else words[1]
            known = {"docker", "curl", "python", "anomaly", "make", "cp", "echo", "base64", "sed"}
            assert program in known, line


def started(block: str, folder: Path, variables: dict[str, str]) -> "subprocess.Popen[str]":
    """Start a block that runs until it is told to stop: the guide's variables hold, after ours."""
    command = re.sub(r"\bpython\b", shlex.quote(sys.executable), block.strip())
    if not command.startswith("RUNPOD") and "exec" not in command:
        command = f"exec {command}"
    return subprocess.Popen(
        ["bash", "-c", command],
        cwd=folder,
        env=environment(DETECTOR_BACKEND="fake", SEGMENTER_BACKEND="fake", API_HOST="127.0.0.1", **variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def told_to_stop(process: "subprocess.Popen[str]") -> str:
    """Send SIGTERM; give what was written. Fails where it does not end with status 0."""
    process.send_signal(signal.SIGTERM)
    try:
        output, _ = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 0, output
    return output


def block_with(text: str) -> str:
    """Give the one block that holds `text`."""
    [block] = [each for each in SERVERS if text in each]
    return block


def test_the_pods_command_serves() -> None:
    """The command of pod mode answers over HTTP, and ends when told to."""
    port = free_port()
    process = started(block_with("RUNPOD_SERVERLESS=false"), ROOT, {"API_PORT": str(port)})
    wait_until_ready(f"http://127.0.0.1:{port}", process)
    told_to_stop(process)


def test_the_queues_command_takes_jobs() -> None:
    """The command of the queue's worker asks the platform for jobs, and ends when told to."""
    with Simulator() as sim:
        process = started(
            next(each for each in SERVERS if each == "RUNPOD_SERVERLESS=true exec python entrypoint.py\n"),
            ROOT,
            sim.worker_environment("by-hand"),
        )
        sim.wait_until(lambda: sim.roster.presence("by-hand") is not None, 60, "a worker")
        sim.wait_ready("by-hand", 60)
        told_to_stop(process)


def test_the_load_balancers_command_has_two_ports() -> None:
    """The command of the load balancer's worker serves on PORT and answers /ping on PORT_HEALTH."""
    port, health = free_port(), free_port()
    block = block_with("PORT_HEALTH=8001").replace("8000", str(port)).replace("8001", str(health))
    process = started(block, ROOT, {})
    wait_until_ready(f"http://127.0.0.1:{port}", process)
    assert httpx.get(f"http://127.0.0.1:{health}/ping").status_code == 200
    told_to_stop(process)


def test_the_simulators_command_runs_a_worker() -> None:
    """The simulated platform starts the worker and hands it a job."""
    port = free_port()
    block = block_with("anomaly.simulator").replace("8008", str(port))
    process = started(block, ROOT, {"SAM_MODEL_PATH": "/nowhere/sam3.pt"})
    try:
        deadline = time.monotonic() + 60
        answer: dict[str, object] = {}
        while answer.get("status") != "COMPLETED" and time.monotonic() < deadline:
            try:
                answer = httpx.post(
                    f"http://127.0.0.1:{port}/v2/local/runsync?wait=30000",
                    json={"input": {"probe": True}},
                    headers={"Authorization": f"Bearer {KEY}"},
                    timeout=40,
                ).json()
            except httpx.TransportError:
                time.sleep(0.1)
        assert answer.get("status") == "COMPLETED"
    finally:
        told_to_stop(process)
