"""A weights file as the manifest knows it, or as an operator names it by a repository or an address."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from anomaly.errors import ConfigurationError

_HUB = "huggingface.co"
_REPO = re.compile(r"hf:/{1,2}([\w.-]+/[\w.-]+)/([\w./-]+?)(?:@([\w.-]+))?$")


@dataclass(frozen=True, slots=True)
class Entry:
    """One file. `name` is what people call it by ("sam2_large"), `file` its name on the disk.

    It comes from `url`, or from the Hugging Face repository `repo` ("facebook/sam3") at `revision`, whose
    licence is to be accepted first where it is `gated`. `sha256` and `md5` are in hexadecimal and
    `size_bytes` is the file's; what is not known is None.
    """

    name: str
    file: str
    title: str = ""
    licence: str = "unknown"
    url: str | None = None
    repo: str | None = None
    revision: str | None = None
    gated: bool = False
    size_bytes: int | None = None
    sha256: str | None = None
    md5: str | None = None

    @property
    def from_hub(self) -> bool:
        """Whether it is downloaded from its repository: where there is no other address, or it is gated."""
        return self.repo is not None and (self.url is None or urlsplit(self.url).hostname == _HUB)

    @property
    def origin(self) -> str:
        """Where it is downloaded from, in words; "nowhere" where it cannot be."""
        return f"the Hugging Face repository {self.repo}" if self.from_hub else self.url or "nowhere"


def named(entries: Iterable[Entry], name: str) -> Entry:
    """Return the entry of a name, or of a file's name. Raises `ConfigurationError`, naming those there are."""
    known = tuple(entries)
    for each in known:
        if name in (each.name, each.file):
            return each
    raise ConfigurationError(
        f"There are no weights {name!r}: use one of {', '.join(each.name for each in known)}."
    )


def reference(text: str, variable: str) -> Entry | None:
    """Return the file that a setting names by repository or address, None for a path of this machine.

    `hf://ORG/NAME/FILE`, with `@REVISION` behind it where one is wanted, or an http(s) address that ends in
    a file's name; an address may say `#sha256=...`. Raises `ConfigurationError`, naming `variable`.
    """
    if text.startswith("hf:"):
        found = _REPO.fullmatch(text)
        if found is None:
            raise ConfigurationError(
                f"{variable} should be hf://ORG/NAME/FILE, such as hf://facebook/sam2.1-hiera-large/"
                f"sam2.1_hiera_large.pt; it is {text!r}."
            )
        repo, path, revision = found.groups()
        return Entry(path, path, title=path, repo=repo, revision=revision)
    # Path and its like make one slash of two.
    address = re.sub(r"^(https?):/+", r"\1://", text)
    if not address.startswith(("http://", "https://")):
        return None
    parts = urlsplit(address)
    file, _, digest = PurePosixPath(parts.path).name, *parts.fragment.partition("sha256=")[1:]
    if not file or not parts.hostname or (digest and not re.fullmatch(r"[0-9a-fA-F]{64}", digest)):
        raise ConfigurationError(
            f"{variable} should be an address that ends in a file's name, with #sha256= and 64 hexadecimal"
            " digits behind it where the hash is known."
        )
    return Entry(
        file, file, title=file, url=parts._replace(fragment="").geturl(), sha256=digest.lower() or None
    )
