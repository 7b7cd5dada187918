"""Settings -> where weights are looked for, and the file of each network."""

from dataclasses import dataclass
from pathlib import Path

from anomaly.bootstrap import tables
from anomaly.bootstrap.steps import Steps
from anomaly.errors import WeightsError
from anomaly.settings import Settings
from anomaly.vram import Variant
from anomaly.weights import Entry, Found, Places, Source, fetch, find, reference, telling, verify

IMAGE = Path("/models")
"""Where the image keeps what was baked into it."""


def manifest() -> tuple[Entry, ...]:
    """Return every published file that the product knows, the best first: detectors, then segmenters."""
    table = tables.variants()
    detectors = (entry_of(row, f"{row.backend}_{row.key}") for row in table.detectors)
    return (*detectors, *(entry_of(row, row.key) for row in table.segmenters))


def entry_of(row: Variant, name: str = "") -> Entry:
    """Return the file of a row of `configs/variants.toml`."""
    return Entry(
        name or row.key,
        row.weights,
        row.title,
        row.licence,
        row.url,
        row.repo,
        None,
        row.gated,
        row.size_bytes,
        row.sha256,
        row.md5,
    )


def places(settings: Settings) -> Places:
    """Return where weights are looked for, and where downloads go: the volume if there is one."""
    volume = settings.volume_path / "models"
    home = settings.hf_home or Path("~/.cache/huggingface").expanduser()
    named = settings.sam_model_path
    beside = (
        Path(named).parent
        if "sam_model_path" in settings.model_fields_set and reference(str(named), "SAM_MODEL_PATH") is None
        else None
    )
    package = Path(settings.rf_home or "~/.roboflow/models").expanduser()
    return Places(
        explicit=() if beside is None else (beside,),
        hubs=(settings.volume_path / "huggingface-cache" / "hub", home / "hub"),
        baked=(IMAGE, tables.ROOT / "models"),
        volume=volume,
        downloads=volume if settings.volume_path.is_dir() else Places().downloads,
        downloaded=(package,),
    )


@dataclass(frozen=True, slots=True)
class Files:
    """The weights files of one start: where they lie, and leave to download what is missing."""

    places: Places
    steps: Steps
    may_download: bool = True
    token: str | None = None

    @classmethod
    def of(cls, settings: Settings, steps: Steps) -> "Files":
        """Return the files as `settings` describe them."""
        token = None if settings.hf_token is None else settings.hf_token.get_secret_value()
        return cls(places(settings), steps, settings.weights_download, token)

    def find(self, entry: Entry) -> Found | None:
        """Return where a file lies, None if it is nowhere at hand."""
        return find(entry, self.places)

    def obtain(self, entry: Entry) -> Found:
        """Return where a file lies, downloaded if it is nowhere at hand.

        A published file of another hash than the manifest's is an error where the hash is known by md5 alone:
        those are RF-DETR's, small enough to be read at every start. Raises `WeightsError`.
        """
        found = self.find(entry)
        if found is not None:
            return found
        if not self.may_download:
            raise WeightsError(
                f"{entry.file} is nowhere at hand, and WEIGHTS_DOWNLOAD=false: put it beside SAM_MODEL_PATH,"
                " into models/, or into the volume's models folder."
            )
        with self.steps("download"), telling(entry.file) as told:
            path = fetch(entry, self.places.downloads, token=self.token, told=told)
        return Found(path, Source.DOWNLOADED)

    def named(self, value: Path | str, variable: str) -> Found:
        """Return the file that a setting names: a path as it stands, or a repository's or an address's file."""
        entry = reference(str(value), variable)
        return Found(Path(value), Source.EXPLICIT) if entry is None else self.obtain(entry)

    def published(self, row: Variant) -> Found:
        """Return RF-DETR's published file, found or downloaded. Raises `WeightsError` where it is another."""
        entry = entry_of(row)
        found = self.obtain(entry)
        with self.steps("search"):
            verify(found.path, entry)
        return found
