"""What must hold before a worker takes jobs."""

import asyncio
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from anomaly.errors import DoesNotFit, ModelError, NotReady, WeightsError
from anomaly.service import Service
from anomaly.serving.worker import fitness
from anomaly.simulator import Simulator
from tests.services import warm_service
from tests.serving.endpoint import ROOT


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """Give a warm service that takes 50 ms for a photograph."""
    service = warm_service(fake_image_ms=50)
    yield service
    service.close()


async def run(checks: list[fitness.Check]) -> None:
    """Run checks as the SDK does."""
    for check in checks:
        result = check()
        if inspect.isawaitable(result):
            await result


def test_a_warm_service_is_fit(service: Service) -> None:
    """Weights, device, memory plan and a real answer: all hold, each under a name for the log."""
    checks = fitness.checks(service, {"other.pt": "0" * 64})
    asyncio.run(run(checks))
    assert [each.__name__ for each in checks] == ["weights_hash", "device", "memory_plan", "answers"]


def test_a_file_that_is_not_the_published_one_is_unfit() -> None:
    """A published name with another hash: damaged, or another file; either way the operator reads which."""
    card = {"weights": "sam3.pt", "sha256": "1" * 64}
    fitness.check_weights(card, {"sam3.pt": "1" * 64})
    fitness.check_weights({**card, "weights": "mine.pt"}, {"sam3.pt": "0" * 64})
    fitness.check_weights(None, {"sam3.pt": "0" * 64})
    with pytest.raises(WeightsError, match=r"sam3\.pt has the sha256 1{64} and the published file has 0{64}"):
        fitness.check_weights(card, {"sam3.pt": "0" * 64})


def test_a_service_that_is_not_warm_is_unfit(service: Service) -> None:
    """So is one whose device does not tell its memory any more."""
    with pytest.raises(NotReady, match="loading"):
        fitness.check_device({"ready": False, "status": "loading"})
    health = {name: value for name, value in service.health().items() if name != "memory"}
    with pytest.raises(NotReady, match="does not answer"):
        fitness.check_device(health)


def test_a_plan_over_its_memory_is_unfit() -> None:
    """More needed than was free; unknown figures say nothing."""
    fitness.check_plan({"needs_mb": 5, "free_mb": 5})
    fitness.check_plan({"needs_mb": None, "free_mb": 5})
    with pytest.raises(DoesNotFit, match="need 6 MB and 5 were free: too tight"):
        fitness.check_plan({"needs_mb": 6, "free_mb": 5, "reason": "too tight"})


def test_a_service_that_gives_no_answer_is_unfit(service: Service) -> None:
    """A blank photograph is really looked at, and not for ever."""
    asyncio.run(fitness.check_answer(service))
    with pytest.raises(ModelError, match=r"no answer within 0\.01 s"):
        asyncio.run(fitness.check_answer(service, within_s=0.01))


UNFIT = """
import logging, sys
logging.basicConfig(level="INFO")
from anomaly.serving import worker
from anomaly.serving.worker import fitness
from tests.services import warm_service

def broken(health):
    raise RuntimeError("the card is gone")

fitness.check_device = broken
worker.serve(warm_service(), 0.3)
"""


@pytest.mark.xdist_group("sdk")
def test_an_unfit_worker_takes_no_job_and_ends(tmp_path: Path) -> None:
    """Under the real SDK it exits with status 1, says which check failed and why, and tells the platform."""
    with Simulator() as sim:
        log = tmp_path / "log"
        worker = sim.start_worker([sys.executable, "-c", UNFIT], cwd=ROOT, log=log)
        sim.wait_until(lambda: worker in sim.fleet.exits, 60, "the worker's end")
        said = log.read_text()
        assert sim.fleet.exits[worker] == 1, said
        assert "Fitness check failed: device" in said
        assert "the card is gone" in said
        assert sim.calls.of("job-take") == []
        assert len(sim.calls.of("ping")) == 1
