"""`anomaly weights`: its commands and their options."""

from typing import Annotated

import typer


def _known(incomplete: str) -> list[str]:
    from anomaly.bootstrap import manifest

    return [each.name for each in manifest() if each.name.startswith(incomplete)]


Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="NAME...", help="As `anomaly weights list` names them.", autocompletion=_known),
]


def application() -> typer.Typer:
    """Return the commands."""
    app = typer.Typer(
        help="Weights files: which there are, where they lie, how they come here.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    app.command("list")(listed)
    app.command("fetch")(fetch)
    app.command("verify")(verify)
    return app


def listed(as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """List the files: size, licence, and where each lies on this machine."""
    from anomaly.cli import weighing

    weighing.show(as_json=as_json)


def fetch(
    names: Names = None,
    everything: Annotated[bool, typer.Option("--all", help="Every file that needs no account.")] = False,
) -> None:
    """Download files to where the server looks for them. A broken download goes on where it stopped.

    SAM 3 is gated: accept its licence on Hugging Face and set HF_TOKEN.
    """
    from anomaly.cli import weighing

    if bool(names) is everything:
        raise typer.BadParameter("give the NAMEs of files, or --all")
    raise typer.Exit(weighing.fetch(names))


def verify(names: Names = None) -> None:
    """Hold the files on this machine against the sizes and hashes that are known; all that are found, if none is named.

    The exit code is 1 where one is damaged, or is named and not here.
    """
    from anomaly.cli import weighing

    raise typer.Exit(weighing.verify(names))
