import asyncio
from typing import Any

import aiohttp

from anomaly.simulator import Drop, Duplicate, FaultPlan, Hang, Late, Limits, Refuse, Simulator, State
from anomaly.simulator.job import Submission

MENU = (
    Refuse(429),
    Refuse(400),
    Refuse(500),
    Refuse(503, after=True),
    Drop(),
    Drop(after=True),
    Hang(0.05),
    Hang(0.05, after=True),
    Late(0.05),
    Duplicate(),
)


async def work(sim: Simulator, session: aiohttp.ClientSession) -> None:
    """Take jobs and answer each with its input, again and again until the answer is accepted."""
    while True:
        job: dict[str, Any] | None = None
        try:
            async with session.get(f"{sim.url}/job-take/w?gpu=x") as response:
                job = await response.json() if response.status == 200 else None
        except aiohttp.ClientError:
            continue
        status = 0
        while job and status not in (200, 404):
            url = f"{sim.url}/job-done/w/{job['id']}?gpu=x"
            try:
                async with session.post(url, json={"output": job["input"]}) as response:
                    status = response.status
            except aiohttp.ClientError:
                continue


def test_a_storm_of_faults_leaves_every_job_with_its_answer_or_an_honest_failure() -> None:
    """With a fault on a third of all calls no job is forgotten, confused or ended twice."""
    limits = Limits(lost_after_s=1.0, poll_s=0.5)
    plan = FaultPlan(rates={"job-take": 1 / 3, "job-done": 1 / 3}, menu=MENU, seed=3)

    async def storm() -> tuple[Simulator, list[str]]:
        headers = {"Authorization": "local-worker-key"}
        async with (
            Simulator(limits=limits, faults=plan) as sim,
            aiohttp.ClientSession(headers=headers) as session,
        ):
            job_ids = [sim.queue.submit(Submission({"number": number})).id for number in range(200)]
            workers = [asyncio.create_task(work(sim, session)) for _ in range(8)]
            async with asyncio.timeout(30):
                while not all(job.state.final for job in sim.queue.jobs()):
                    await asyncio.sleep(0.02)
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
            return sim, job_ids

    sim, job_ids = asyncio.run(storm())
    jobs = {job.id: job for job in sim.queue.jobs()}
    assert list(jobs) == job_ids
    completed = [job for job in jobs.values() if job.state is State.COMPLETED]
    assert all(job.output == job.submission.input for job in completed)
    lost = [job for job in jobs.values() if job.state is not State.COMPLETED]
    assert {job.error for job in lost} <= {"job timed out after 1 retries"}
    assert len(completed) > 150
    counts = sim.queue.counts()
    assert (counts.completed, counts.failed) == (len(completed), len(lost))
    assert counts.repeats > 0
    assert sum(record.fault is not None for record in sim.calls) > 60
