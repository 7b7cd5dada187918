"""The real SDK against the simulator: its worker loop in processes of its own, its clients in this one."""

import asyncio
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from anomaly.simulator import Limits, Simulator, State
from tests.simulator.conftest import Caller
from tests.simulator.test_workers import alive

pytestmark = pytest.mark.xdist_group("sdk")  # starting the SDK costs seconds: once is enough

HANDLERS = str(Path(__file__).with_name("handlers.py"))


@dataclass
class Scene:
    """Three endpoints, all of whose workers run the SDK's own loop."""

    plain: Caller
    stream: Caller
    doomed: Caller


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Start the workers at the same time, one for each endpoint and two that may end."""
    logs = tmp_path_factory.mktemp("logs")
    with ExitStack() as stack:
        http = stack.enter_context(httpx2.Client(trust_env=False))
        callers = []
        for kind, concurrency, count in [("plain", 8, 1), ("stream", 1, 1), ("plain", 1, 2)]:
            sim = stack.enter_context(
                Simulator(limits=Limits(poll_s=1, worker_grace_s=0.2), ping_interval_s=1)
            )
            for number in range(count):
                log = logs / f"{len(callers)}-{number}.log"
                sim.start_worker([sys.executable, HANDLERS, kind, str(concurrency)], log=log)
            callers.append(Caller(sim, http))
        for caller in callers:
            for worker_id in caller.sim.fleet.ids():
                caller.sim.wait_ready(worker_id, 60)
        yield Scene(*callers)


@pytest.fixture
def sdk(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the SDK with its base URL left to be set; its sessions keep away from proxies."""
    import runpod

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return runpod


def endpoint(sdk: Any, caller: Caller, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the SDK's client of this simulator."""
    monkeypatch.setattr(sdk, "endpoint_url_base", caller.sim.base_url)
    return sdk.Endpoint(caller.sim.endpoint_id, api_key=caller.sim.api_key)


def ended(caller: Caller, job_id: str) -> dict[str, Any]:
    """Wait for the end of a job and return its status."""
    caller.sim.wait_until(lambda: State(caller.status(job_id)["status"]).final, 10, f"the end of {job_id}")
    return caller.status(job_id)


def in_progress(caller: Caller, job_id: str) -> str:
    """Wait for a worker to take a job and return the worker's id."""
    caller.sim.wait_until(lambda: caller.status(job_id)["status"] == "IN_PROGRESS", 60)
    return str(caller.status(job_id)["workerId"])


def test_run_sync_returns_the_output(scene: Scene, sdk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK's client and the SDK's worker meet: what goes in comes out."""
    client = endpoint(sdk, scene.plain, monkeypatch)
    assert client.run_sync({"input": {"a": 1}}, timeout=10) == {"echo": {"a": 1}}


def test_run_status_and_output(scene: Scene, sdk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK's asynchronous job goes to COMPLETED and gives its output."""
    job = endpoint(sdk, scene.plain, monkeypatch).run({"input": {"a": 2}})
    assert ended(scene.plain, job.job_id)["executionTime"] >= 0
    assert job.status() == "COMPLETED"
    assert job.output() == {"echo": {"a": 2}}


def test_a_cancelled_job_is_cancelled_inside_the_worker(
    scene: Scene, sdk: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The SDK's cancel reaches the handler as CancelledError, by way of job-stop."""
    mark = tmp_path / "mark"
    job = endpoint(sdk, scene.plain, monkeypatch).run({"input": {"sleep_s": 30, "mark": str(mark)}})
    scene.plain.sim.wait_until(mark.exists, 10, "the handler")  # before it runs, the SDK overhears a stop
    assert job.cancel() == {"id": job.job_id, "status": "CANCELLED"}
    scene.plain.sim.wait_until(lambda: mark.read_text() == "cancelled", 60)
    assert job.status() == "CANCELLED"


def test_health_and_purge(scene: Scene, sdk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK's health and purge_queue understand the answers."""
    client = endpoint(sdk, scene.plain, monkeypatch)
    assert client.purge_queue() == {"removed": 0, "status": "completed"}
    health = client.health()
    assert sum(health["workers"][kind] for kind in ("idle", "running", "initializing", "unhealthy")) == 1


def test_a_wrong_key_is_what_the_sdk_takes_it_for(
    scene: Scene, sdk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SDK's client turns the 401 into its own error."""
    monkeypatch.setattr(sdk, "endpoint_url_base", scene.plain.sim.base_url)
    with pytest.raises(RuntimeError, match="401"):
        sdk.Endpoint(scene.plain.sim.endpoint_id, api_key="wrong").health()


def test_the_asyncio_client(scene: Scene, sdk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK's asyncio client runs, asks, cancels and purges."""
    import aiohttp

    monkeypatch.setattr(sdk, "endpoint_url_base", scene.plain.sim.base_url)

    async def talk() -> None:
        async with aiohttp.ClientSession() as session:
            client = sdk.AsyncioEndpoint(
                scene.plain.sim.endpoint_id, session, api_key=scene.plain.sim.api_key
            )
            job = await client.run({"a": 3})
            assert await job.output(timeout=10) == {"echo": {"a": 3}}
            slow = await client.run({"sleep_s": 0.5})
            assert (await slow.cancel())["status"] == "CANCELLED"
            assert (await client.purge_queue())["status"] == "completed"
            assert (await client.health())["jobs"]["completed"] >= 1

    asyncio.run(talk())


def test_a_stream_arrives_in_order(scene: Scene, sdk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a generator handler yields comes out of the SDK's stream, and whole in the output."""
    job = endpoint(sdk, scene.stream, monkeypatch).run({"input": {"to": 5}})
    assert list(job.stream()) == [0, 1, 2, 3, 4]
    assert ended(scene.stream, job.job_id)["output"] == [0, 1, 2, 3, 4]


def test_a_handlers_error_fails_the_job_and_a_retry_runs_it_again(scene: Scene) -> None:
    """An error returned by the handler is the job's, and /retry hands the job out again."""
    job_id = scene.plain.submit(input={"error": "broken"})
    first = ended(scene.plain, job_id)
    assert (first["status"], first["error"]) == ("FAILED", "broken")
    posted = len(scene.plain.sim.calls.of("job-done"))
    scene.plain.as_client("POST", f"retry/{job_id}")
    scene.plain.sim.wait_until(lambda: len(scene.plain.sim.calls.of("job-done")) > posted, 60)
    assert ended(scene.plain, job_id)["error"] == "broken"


def test_progress_is_shown_before_the_result(scene: Scene) -> None:
    """The SDK's progress_update is what /status shows while the job runs."""
    job_id = scene.plain.submit(input={"progress": "half"})
    scene.plain.sim.wait_until(lambda: scene.plain.status(job_id).get("output") == "half", 60)
    assert ended(scene.plain, job_id)["output"] == {"echo": {"progress": "half"}}


def test_a_result_over_the_limit_is_lost_as_on_the_platform(scene: Scene) -> None:
    """The SDK posts 21 MiB, is refused, and the user sees COMPLETED without an output."""
    job_id = scene.plain.submit(input={"bytes": 21 * 1024 * 1024})
    answer = ended(scene.plain, job_id)
    assert answer["status"] == "COMPLETED"
    assert "output" not in answer


def test_an_empty_input_is_refused_by_the_sdk_as_on_the_platform(scene: Scene) -> None:
    """Taken alone, a job with an empty input never runs, is lost twice, and fails in the platform's words."""
    job_id = scene.stream.submit(input={})
    for _ in range(2):
        in_progress(scene.stream, job_id)
        scene.stream.sim.advance(41)
        scene.stream.sim.wait_until(lambda: scene.stream.status(job_id).get("retries") == 1, 60)
    assert ended(scene.stream, job_id)["error"] == "job timed out after 1 retries"


def test_the_sdks_heartbeat_keeps_a_long_job(scene: Scene) -> None:
    """A job that runs for longer than a lost one would be missed stays with its worker: pings name it."""
    sim = scene.stream.sim  # its clock is its own: the other endpoints' jobs do not notice
    job_id = scene.stream.submit(input={"to": 1, "pause_s": 3})
    in_progress(scene.stream, job_id)
    pings = len(sim.calls.of("ping"))
    sim.wait_until(lambda: len(sim.calls.of("ping")) > pings + 1, 60)
    sim.advance(39)
    assert scene.stream.status(job_id)["status"] == "IN_PROGRESS"
    assert ended(scene.stream, job_id)["output"] == [0]


def test_sigterm_lets_the_running_job_finish(scene: Scene) -> None:
    """A worker that gets SIGTERM reports its job and ends with code 0."""
    job_id = scene.doomed.submit(input={"sleep_s": 0.5})
    worker_id = in_progress(scene.doomed, job_id)
    scene.doomed.sim.kill_worker(worker_id, signal.SIGTERM)
    assert ended(scene.doomed, job_id)["status"] == "COMPLETED"
    scene.doomed.sim.wait_until(lambda: worker_id in scene.doomed.sim.fleet.exits, 60)
    assert scene.doomed.sim.fleet.exits[worker_id] == 0


def test_a_worker_killed_in_the_middle_of_a_job_leaves_it_to_another(scene: Scene) -> None:
    """SIGKILL ends the worker and its heartbeat; its job is queued again with one retry."""
    job_id = scene.doomed.submit(input={"sleep_s": 30})
    worker_id = in_progress(scene.doomed, job_id)
    pid = scene.doomed.sim.fleet.pid(worker_id)
    assert pid is not None
    family = [pid, *children(pid)]
    scene.doomed.sim.kill_worker(worker_id)
    scene.doomed.sim.wait_until(lambda: scene.doomed.status(job_id).get("retries") == 1, 60)
    scene.doomed.sim.wait_until(lambda: not any(alive(member) for member in family), 60)
    scene.doomed.as_client("POST", f"cancel/{job_id}")


def children(pid: int) -> list[int]:
    """Return the processes a process has started, where the system tells."""
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in listed.read_text().split()] if listed.exists() else []
