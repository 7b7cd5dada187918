"""`anomaly doctor`: its options."""

from typing import Annotated

import typer


def doctor(
    trial: Annotated[bool, typer.Option("--try", help="Load the models too, and look at a photo.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Check settings, device, weights, ports, disk and memory, and say how to mend each.

    The exit code is 1 where the server would not start or not work.
    """
    from anomaly.cli.doctoring import show

    raise typer.Exit(show(trial=trial, as_json=as_json))
