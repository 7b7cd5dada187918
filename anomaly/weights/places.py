"""Where a weights file may lie, in the order in which it is looked for."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from anomaly.weights.entry import Entry


class Source(StrEnum):
    """Where a weights file came from, as `/info` says it."""

    EXPLICIT = "explicit"
    HUGGING_FACE = "huggingface cache"
    BAKED = "baked"
    VOLUME = "volume"
    DOWNLOADED = "downloaded"


@dataclass(frozen=True, slots=True)
class Places:
    """Folders to look into; those that are not there are passed over.

    `explicit` are beside what the operator named, `hubs` the `hub` folders of Hugging Face caches, `baked`
    those of the image, `volume` that of a network volume. Downloads go to `downloads`, and are looked for
    there and in `downloaded`, where other programs have put theirs.
    """

    explicit: tuple[Path, ...] = ()
    hubs: tuple[Path, ...] = ()
    baked: tuple[Path, ...] = ()
    volume: Path | None = None
    downloads: Path = field(default_factory=lambda: Path("~/.cache/anomaly/weights").expanduser())
    downloaded: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """A file on this disk, and where it came from."""

    path: Path
    source: Source


def find(entry: Entry, places: Places) -> Found | None:
    """Return the first place that holds the file of `entry`, None where none does. Reads no file."""
    looks = [
        *((folder / entry.file, Source.EXPLICIT) for folder in places.explicit),
        *((path, Source.HUGGING_FACE) for hub in places.hubs for path in _in_hub(entry, hub)),
        *((folder / entry.file, Source.BAKED) for folder in places.baked),
        *((folder / entry.file, Source.VOLUME) for folder in (places.volume,) if folder is not None),
        *((folder / entry.file, Source.DOWNLOADED) for folder in (places.downloads, *places.downloaded)),
    ]
    return next((Found(path, source) for path, source in looks if path.is_file()), None)


def _in_hub(entry: Entry, hub: Path) -> list[Path]:
    """Return where a hub cache would keep the file: the revision that is named, else `main`, else the newest.

    The layout is huggingface_hub's: models--ORG--NAME/snapshots/COMMIT/FILE, and refs/ names commits.
    """
    if entry.repo is None:
        return []
    model = hub / f"models--{entry.repo.replace('/', '--')}"
    wanted = entry.revision or "main"
    ref = model / "refs" / wanted
    commits = [ref.read_text().strip()] if ref.is_file() else []
    if entry.revision is not None:
        commits.append(entry.revision)
    elif (model / "snapshots").is_dir():
        held = sorted((model / "snapshots").iterdir(), key=lambda each: each.stat().st_mtime, reverse=True)
        commits += [each.name for each in held]
    return [model / "snapshots" / commit / entry.file for commit in dict.fromkeys(commits)]
