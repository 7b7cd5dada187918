import asyncio
import sys
import time

import httpx2
import pytest

from anomaly.errors import ConfigurationError
from anomaly.simulator import Drop, FaultPlan, Limits, Signal, Simulator
from tests.simulator.conftest import Caller

POLLER = """
import os, time, urllib.request
url = os.environ["RUNPOD_WEBHOOK_GET_JOB"].replace("$ID", os.environ["RUNPOD_POD_ID"])
request = urllib.request.Request(url, headers={"Authorization": os.environ["RUNPOD_AI_API_KEY"]})
while True:
    with urllib.request.urlopen(request) as response:
        response.read()
"""
"""A worker that takes jobs and never answers; it needs no SDK, so that it starts in no time."""


def test_a_simulator_runs_on_the_event_loop_that_embeds_it() -> None:
    """`async with` serves on an ephemeral port and closes it at the end."""

    async def scene() -> str:
        async with Simulator() as sim, httpx2.AsyncClient(trust_env=False) as http:
            answer = await http.get(f"{sim.url}/health", headers={"Authorization": "Bearer local-key"})
            assert answer.status_code == 200
            return sim.url

    url = asyncio.run(scene())
    with pytest.raises(httpx2.ConnectError), httpx2.Client(trust_env=False) as http:
        http.get(f"{url}/health")


def test_a_simulator_that_does_not_run_has_no_address() -> None:
    """Asking for the address before the start says how to start."""
    with pytest.raises(ConfigurationError, match="with"):
        _ = Simulator().url


def test_a_port_in_use_is_an_error_that_names_it() -> None:
    """A second simulator on the same port is refused, in either way of running."""
    with Simulator() as sim:
        port = int(sim.base_url.split(":")[2].split("/")[0])
        with pytest.raises(ConfigurationError, match=str(port)), Simulator(port=port):
            pass


@pytest.mark.parametrize("interval_s", [0, -1])
def test_a_ping_interval_the_sdk_cannot_keep_is_refused(interval_s: int) -> None:
    """The SDK divides milliseconds to whole seconds: under one it would ping without pause."""
    with pytest.raises(ConfigurationError, match="ping_interval_s"):
        Simulator(ping_interval_s=interval_s)


def test_the_environment_is_what_the_sdk_reads() -> None:
    """Every variable of the worker's protocol is set, with the placeholders that the SDK fills in."""
    with Simulator(endpoint_id="bridge", ping_interval_s=2) as sim:
        environment = sim.worker_environment("w")
    assert environment["RUNPOD_WEBHOOK_GET_JOB"].endswith("/v2/bridge/job-take/$ID?gpu=simulated")
    assert environment["RUNPOD_WEBHOOK_POST_OUTPUT"].endswith("/job-done/$RUNPOD_POD_ID/$ID?gpu=simulated")
    assert environment["RUNPOD_WEBHOOK_POST_STREAM"].endswith("/job-stream/$RUNPOD_POD_ID/$ID?gpu=simulated")
    assert environment["RUNPOD_WEBHOOK_PING"].endswith("/ping/$RUNPOD_POD_ID")
    assert environment["RUNPOD_PING_INTERVAL"] == "2000"
    assert (environment["RUNPOD_POD_ID"], environment["RUNPOD_ENDPOINT_ID"]) == ("w", "bridge")


def test_a_killed_worker_loses_its_job_to_the_next_and_the_second_time_for_good() -> None:
    """Killed once, a job is handed out again; killed twice, it has FAILED as on the platform."""
    plan = FaultPlan({("job-take", 1): Signal(9)})
    with Simulator(faults=plan) as sim, httpx2.Client(trust_env=False) as http:
        caller = Caller(sim, http)
        job_id = caller.submit()
        first = sim.start_worker([sys.executable, "-c", POLLER])
        sim.wait_until(lambda: first in sim.fleet.exits, 60)
        assert caller.status(job_id) == {"id": job_id, "status": "IN_QUEUE", "retries": 1}
        sim.use(plan)  # counted anew: the first may have asked once more before the signal reached it
        second = sim.start_worker([sys.executable, "-c", POLLER])
        sim.wait_until(lambda: second in sim.fleet.exits, 60)
        answer = caller.status(job_id)
        assert (answer["status"], answer["error"]) == ("FAILED", "job timed out after 1 retries")
        assert caller.as_client("GET", "health").json()["jobs"]["retried"] == 1
        assert sim.fleet.exits == {first: -9, second: -9}


def test_a_worker_that_asks_for_it_is_recycled() -> None:
    """A result with `stopPod`, which the SDK's refresh_worker becomes, ends the worker after its answer."""
    with Simulator() as sim, httpx2.Client(trust_env=False) as http:
        caller = Caller(sim, http)
        worker_id = sim.start_worker([sys.executable, "-c", POLLER])
        sim.wait_ready(worker_id)
        job_id = caller.submit()
        sim.wait_until(lambda: caller.status(job_id)["status"] == "IN_PROGRESS", 60)
        result = {"output": 1, "stopPod": True}
        assert (
            caller.as_worker("POST", f"job-done/{worker_id}/{job_id}?gpu=x", json=result).status_code == 200
        )
        sim.wait_until(lambda: worker_id in sim.fleet.exits, 60)
        assert caller.status(job_id)["output"] == 1


def test_no_worker_outlives_the_simulator() -> None:
    """At the end every worker is asked to go and, if it stays, killed."""
    stubborn = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n{POLLER}"
    with Simulator(limits=Limits(worker_grace_s=0.2)) as sim:
        workers = [sim.start_worker([sys.executable, "-c", code]) for code in (POLLER, stubborn)]
        for worker_id in workers:
            sim.wait_ready(worker_id)
        began = time.monotonic()
    assert time.monotonic() - began < 15
    assert sim.fleet.ids() == ()
    assert set(sim.fleet.exits) == set(workers)


def test_waiting_for_a_worker_that_ended_is_over_at_once() -> None:
    """A worker that cannot start is reported with its code instead of a long silence."""
    with Simulator() as sim:
        worker_id = sim.start_worker([sys.executable, "-c", "raise SystemExit(3)"])
        with pytest.raises(TimeoutError, match="ended with code 3"):
            sim.wait_ready(worker_id)


def test_waiting_has_an_end() -> None:
    """A condition that never holds is a TimeoutError that says what was waited for."""
    with Simulator() as sim, pytest.raises(TimeoutError, match="rain has not come about"):
        sim.wait_until(lambda: False, 0.05, "rain")


def test_a_new_plan_counts_from_one_again() -> None:
    """After `use` the first call is number 1, and the log is empty."""
    with Simulator() as sim, httpx2.Client(trust_env=False) as http:
        caller = Caller(sim, http)
        caller.as_client("GET", "health")
        sim.use(FaultPlan({("health", 1): Drop()}))
        assert list(sim.calls) == []
        with pytest.raises(httpx2.RemoteProtocolError):
            caller.as_client("GET", "health")


def test_answers_do_not_wait_for_acknowledgements() -> None:
    """Connections have TCP_NODELAY: without it each answer would come 40 ms late."""
    with Simulator() as sim, httpx2.Client(trust_env=False) as http:
        caller = Caller(sim, http)
        waits_s = [caller.as_client("GET", "health").elapsed.total_seconds() for _ in range(60)][30:]
        assert (
            sorted(waits_s)[7] < 0.03
        )  # the first calls of a connection are acknowledged at once in any case
