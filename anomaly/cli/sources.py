"""What the arguments name: photos in files, in folders, and at URLs."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import typer

ENDINGS = frozenset({".jpg", ".jpeg", ".png", ".webp", ".avif", ".tif", ".tiff", ".bmp", ".gif"})
"""Of files that are taken from a folder; a file that is named itself may end as it likes."""


@dataclass(frozen=True, slots=True)
class Named:
    """A photo, and what a picture made of it is called: a relative path without an ending, its own."""

    source: str
    name: PurePosixPath


def named(arguments: Iterable[str]) -> list[Named]:
    """Return the photos in the order of the arguments, those of a folder by name. Says what is not there."""
    photos: list[Named] = []
    taken: set[PurePosixPath] = set()
    for argument in arguments:
        for source, stem in _photos(argument):
            name, number = stem, 1
            while name in taken:
                number += 1
                name = stem.with_name(f"{stem.name}-{number}")
            taken.add(name)
            photos.append(Named(source, name))
    return photos


def _photos(argument: str) -> Iterator[tuple[str, PurePosixPath]]:
    if argument[:8].lower().startswith(("http://", "https://")):
        yield argument, PurePosixPath(PurePosixPath(urlsplit(argument).path).stem or "photo")
        return
    path = Path(argument)
    if path.is_dir():
        found = list(_below(path))
        if not found:
            kinds = ", ".join(sorted(each.removeprefix(".") for each in ENDINGS))
            raise typer.BadParameter(f"there is no photo in {argument} ({kinds})")
        for each in found:
            yield str(each), PurePosixPath(each.relative_to(path).with_suffix("").as_posix())
        return
    if not path.exists():
        raise typer.BadParameter(f"{argument} is not there; give a photo, a folder, or a URL")
    yield argument, PurePosixPath(path.stem)


def _below(folder: Path) -> Iterator[Path]:
    for where, folders, files in os.walk(folder):
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and Path(name).suffix.lower() in ENDINGS:
                yield Path(where) / name
