"""What `anomaly weights` does."""

import json
from collections.abc import Sequence

import typer
from rich.console import Console
from rich.table import Table

from anomaly import weights
from anomaly.bootstrap import manifest, places
from anomaly.errors import AnomalyError
from anomaly.settings import Settings
from anomaly.weights import Entry


def show(*, as_json: bool) -> None:
    """Write the manifest, and where each file lies."""
    where = places(Settings.read())
    rows = []
    for each in manifest():
        found = weights.find(each, where)
        rows.append(
            {
                "name": each.name,
                "file": each.file,
                "title": each.title,
                "licence": each.licence,
                "size_bytes": each.size_bytes,
                "sha256": each.sha256,
                "from": each.origin,
                "gated": each.gated,
                "found": None if found is None else str(found.path),
                "source": None if found is None else str(found.source),
            }
        )
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    drawn = Table()
    for title in ("Name", "What", "MB", "Licence", "Here"):
        drawn.add_column(title, justify="right" if title == "MB" else "left")
    for row in rows:
        size = row["size_bytes"]
        missing = "no, and gated" if row["gated"] else "no"
        drawn.add_row(
            str(row["name"]),
            str(row["title"]),
            f"{size / 1e6:,.0f}" if isinstance(size, int) else "?",
            str(row["licence"]),
            missing if row["found"] is None else f"{row['source']}: {row['found']}",
        )
    console = Console()
    console.print(drawn)
    console.print(f"Downloads go to {where.downloads}.", highlight=False, style="dim")


def fetch(names: Sequence[str] | None) -> int:
    """Download the files of these names, every open one where none is named; return the exit code."""
    settings = Settings.read()
    where = places(settings)
    token = None if settings.hf_token is None else settings.hf_token.get_secret_value()
    wanted = _named(names) if names else [each for each in manifest() if not each.gated]
    failed = 0
    for each in wanted:
        found = weights.find(each, where)
        if found is not None:
            typer.echo(f"{each.name}: here already, {found.path}")
            continue
        try:
            with weights.telling(each.file) as told:
                path = weights.fetch(each, where.downloads, token=token, told=told)
            typer.echo(f"{each.name}: {path}")
        except AnomalyError as error:
            typer.echo(f"{each.name}: {error}", err=True)
            failed += 1
    return 1 if failed else 0


def verify(names: Sequence[str] | None) -> int:
    """Hold files against the manifest; return the exit code."""
    where = places(Settings.read())
    failed = 0
    checked = 0
    for each in _named(names) if names else manifest():
        found = weights.find(each, where)
        if found is None:
            if names:
                typer.echo(f"{each.name}: not here; `anomaly weights fetch {each.name}` brings it", err=True)
                failed += 1
            continue
        checked += 1
        try:
            digest = weights.verify(found.path, each)
        except AnomalyError as error:
            typer.echo(f"{each.name}: {error}", err=True)
            failed += 1
        else:
            typer.echo(f"{each.name}: {_said(each, digest)}, {found.path}")
    if not checked and not names:
        typer.echo("no weights file is on this machine; the embedded crack finder needs none", err=True)
    return 1 if failed else 0


def _said(entry: Entry, digest: str) -> str:
    if entry.sha256:
        return f"right, sha256 {digest[:12]}"
    if entry.md5:
        return f"right by its md5, sha256 {digest[:12]}"
    return f"of no known hash, sha256 {digest}"


def _named(names: Sequence[str]) -> list[Entry]:
    return [weights.named(manifest(), each) for each in names]
