"""The program `anomaly`: its commands, its failures, its exit codes."""

import sys
from typing import Annotated

import typer

from anomaly import __version__
from anomaly.cli import detect, doctor, plan, serve, simulate, weights
from anomaly.errors import AnomalyError

USAGE = 2
"""Exit code for a command that cannot be carried out as it is written."""


def application() -> typer.Typer:
    """Return the program."""
    app = typer.Typer(
        name="anomaly",
        help="Photographs of structures in; measured, located, structured defects out.",
        epilog="Exit codes: 0 all is done, 1 something failed, 2 the command is not right, 130 interrupted.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,  # its tracebacks show the values of variables, keys among them
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_top)
    app.command()(detect.detect)
    app.command()(serve.serve)
    app.command()(simulate.simulate)
    app.command()(plan.plan)
    app.command()(doctor.doctor)
    app.add_typer(weights.application(), name="weights")
    return app


def main() -> None:
    """Run the program. A failure that is known ends it with a sentence and status 1, without a traceback."""
    try:
        application()()
    except AnomalyError as error:
        sys.exit(f"{error.code}: {error}")
    except BrokenPipeError:  # whoever read has had enough, as `head` does
        sys.stderr.close()
        sys.exit(1)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(__version__)
        raise typer.Exit


def _top(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and end.")
    ] = False,
) -> None:
    """Photographs of structures in; measured, located, structured defects out."""
