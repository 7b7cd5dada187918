"""What `anomaly doctor` does."""

import asyncio
import dataclasses
import json
import time
from pathlib import Path

import typer
from rich.console import Console
from rich.text import Text

from anomaly.bootstrap import build
from anomaly.cli.checks import Check, State, checks
from anomaly.cli.simulate import SAMPLE
from anomaly.errors import AnomalyError
from anomaly.imaging.photo import Photo
from anomaly.settings import Settings
from anomaly.types import Options

_SIGNS = {State.GOOD: ("ok", "green"), State.NOTE: ("note", "yellow"), State.BAD: ("bad", "red")}


def show(*, trial: bool, as_json: bool) -> int:
    """Write what was seen; return the exit code."""
    seen = _all(trial=trial)
    if as_json:
        typer.echo(json.dumps([dataclasses.asdict(each) for each in seen], indent=2))
    else:
        console = Console()
        for each in seen:
            sign, colour = _SIGNS[each.state]
            line = Text.assemble((f"{sign:<5}", colour), (f"{each.what:<10} ", "bold"), each.said)
            console.print(line, soft_wrap=True)
            if each.mend:
                console.print(Text(f"{'':16}-> {each.mend}", style="dim"), soft_wrap=True)
    return 1 if any(each.state is State.BAD for each in seen) else 0


def _all(*, trial: bool) -> list[Check]:
    try:
        settings = Settings.read()
    except AnomalyError as error:
        return [
            Check(
                "settings",
                State.BAD,
                str(error),
                "set the variable as the operator's guide says, or unset it",
            )
        ]
    seen = [Check("settings", State.GOOD, "every variable can be read"), *checks(settings)]
    if trial and not any(each.state is State.BAD for each in seen):
        seen.append(_trial(settings, SAMPLE))
    return seen


def _trial(settings: Settings, sample: Path) -> Check:
    service = build(settings)
    service.start()
    try:
        began = time.monotonic()
        service.wait()
        loaded = time.monotonic()
        threshold = settings.confidence_threshold
        [outcome] = asyncio.run(service.detect([Photo(sample.read_bytes())], Options(threshold)))
        took = time.monotonic()
    except (AnomalyError, OSError) as error:
        return Check("trial", State.BAD, str(error), "the log above says more; LOG_LEVEL=debug says most")
    finally:
        service.close()
    if isinstance(outcome.result, AnomalyError):
        return Check("trial", State.BAD, str(outcome.result), "LOG_LEVEL=debug says more")
    count = len(outcome.result.anomalies)
    return Check(
        "trial",
        State.GOOD,
        f"models loaded in {loaded - began:.1f} s; {sample.name} took {took - loaded:.2f} s, {count} defects",
    )
