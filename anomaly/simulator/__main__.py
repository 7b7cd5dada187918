"""`python -m anomaly.simulator --port 8008 [--worker "python handler.py"]`: the platform, until Ctrl-C."""

import argparse
import asyncio
import json
import shlex
import signal
import sys
from collections.abc import Sequence
from typing import TextIO

from anomaly.errors import AnomalyError
from anomaly.simulator.script import KNOWN, plan
from anomaly.simulator.simulator import Simulator


def arguments() -> argparse.ArgumentParser:
    """Return the command line's description."""
    parser = argparse.ArgumentParser(prog="python -m anomaly.simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port", type=int, default=8008, help="0 for any that is free (default: %(default)s)"
    )
    parser.add_argument("--endpoint", default="local", help="id of the endpoint (default: %(default)s)")
    parser.add_argument(
        "--api-key", default="local-key", help="what clients must send (default: %(default)s)"
    )
    parser.add_argument(
        "--worker", metavar="CMD", help="command that runs a worker, started and replaced as needed"
    )
    parser.add_argument("--workers", type=int, default=1, help="how many of them (default: %(default)s)")
    parser.add_argument(
        "--input", default='{"hello": "world"}', help="JSON input of the example (default: %(default)s)"
    )
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="OPERATION:NUMBER:FAULT[:SECONDS]",
        help=f"what happens to one call, as in job-done:3:drop; FAULT is a status or {', '.join(KNOWN)}",
    )
    parser.add_argument(
        "--fault-rate",
        action="append",
        default=[],
        metavar="OPERATION=RATE",
        help="how many calls meet a random fault, as in job-done=0.3; * is every operation",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the random faults (default: %(default)s)")
    return parser


def curl_lines(sim: Simulator, input_json: str) -> list[str]:
    """Return the two lines to try: a job, and the endpoint's health."""
    key = shlex.quote(f"Authorization: Bearer {sim.api_key}")
    body = shlex.quote(json.dumps({"input": json.loads(input_json)}))
    return [
        f"curl -s {sim.url}/runsync -H {key} -H 'Content-Type: application/json' -d {body}",
        f"curl -s {sim.url}/health -H {key}",
    ]


def environment_lines(sim: Simulator) -> list[str]:
    """Return the shell's lines that make a worker, started by hand, call this simulator."""
    return [
        f"export {name}={shlex.quote(value)}" for name, value in sim.worker_environment("by-hand").items()
    ]


async def simulate(options: argparse.Namespace, out: TextIO) -> None:
    """Run until SIGINT or SIGTERM."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with Simulator(
        endpoint_id=options.endpoint,
        api_key=options.api_key,
        worker_key=None,  # a user with a ~/.runpod/config.toml: the SDK sends that key whatever it is told
        host=options.host,
        port=options.port,
        faults=plan(options.fault, options.fault_rate, options.seed),
    ) as sim:
        lines = ["A RunPod endpoint, simulated. Try:", "", *curl_lines(sim, options.input), ""]
        if not options.worker:
            lines += ["No worker runs yet. Start one in a shell that has", "", *environment_lines(sim), ""]
        out.write("\n".join(lines) + "\n")
        out.flush()  # before a worker writes to the same terminal
        for _ in range(options.workers if options.worker else 0):
            sim.start_worker(shlex.split(options.worker), respawn=True)
        await stop.wait()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = arguments()
    options = parser.parse_args(argv)
    try:
        json.loads(options.input)
        asyncio.run(simulate(options, sys.stdout))
    except json.JSONDecodeError as error:
        parser.error(f"--input is not JSON: {error}")
    except AnomalyError as error:
        parser.error(str(error))
    return 0


if __name__ == "__main__":
    sys.exit(main())
