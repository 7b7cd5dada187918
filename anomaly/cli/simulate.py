"""`anomaly simulate`: RunPod's queue on this machine, with a worker behind it."""

from pathlib import Path
from typing import Annotated

import typer

SAMPLE = Path(__file__).resolve().parents[2] / "samples" / "crack.jpg"


def simulate(
    port: Annotated[int, typer.Option("--port", "-p", min=0, max=65535, help="0: any that is free.")] = 8008,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    endpoint: Annotated[str, typer.Option(help="Id of the endpoint.")] = "local",
    api_key: Annotated[str, typer.Option(help="What clients must send.")] = "local-key",
    worker: Annotated[
        str | None, typer.Option(metavar="CMD", help="Another worker than ours, as in 'python handler.py'.")
    ] = None,
    workers: Annotated[int, typer.Option("--workers", "-w", min=0, max=64, help="How many.")] = 1,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            metavar="OPERATION:NUMBER:FAULT[:SECONDS]",
            help="What happens to one call, as in job-done:3:drop.",
        ),
    ] = None,
    fault_rate: Annotated[
        list[str] | None,
        typer.Option(
            metavar="OPERATION=RATE", help="How many calls meet a random fault, as in job-done=0.3."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the random faults.")] = 0,
) -> None:
    """Try RunPod without an account: its queue API on this machine, with a worker that takes the jobs.

    The worker is configured by the environment as on RunPod. Ctrl-C ends both.
    """
    import asyncio

    from anomaly.cli.simulating import Bench, run
    from anomaly.simulator.script import plan

    faults = plan(fault or [], fault_rate or [], seed)
    asyncio.run(run(Bench(host, port, endpoint, api_key, worker, workers, faults, SAMPLE)))
