"""`anomaly serve`: the server in place of this program."""

from pathlib import Path
from typing import Annotated

import typer

ENTRY = Path(__file__).resolve().parents[2] / "entrypoint.py"
"""The program of the image, which serves in every mode."""


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; API_HOST.")] = None,
    port: Annotated[
        int | None, typer.Option("--port", "-p", min=0, max=65535, help="Port to listen on; API_PORT.")
    ] = None,
    worker: Annotated[
        bool, typer.Option("--worker", help="Be a RunPod worker that takes jobs from its endpoint's queue.")
    ] = False,
) -> None:
    """Serve over HTTP until Ctrl-C. Everything else is set by the environment, as the operator's guide says."""
    import os
    import sys

    if not ENTRY.is_file():
        typer.echo(
            "configuration_error: serving needs the repository, and its entrypoint.py is not there", err=True
        )
        raise typer.Exit(1)
    chosen = {
        "RUNPOD_SERVERLESS": "true" if worker else "false",
        "API_HOST": host,
        "API_PORT": None if port is None else str(port),
    }
    environment = {
        **os.environ,  # noqa: TID251 - handed on, not read
        **{name: value for name, value in chosen.items() if value is not None},
    }
    # In its place, so that the signals of whoever started this reach the server itself.
    os.execve(sys.executable, [sys.executable, str(ENTRY)], environment)  # noqa: S606 - our own program
