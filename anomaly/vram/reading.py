"""Reading a parsed TOML table strictly: every mistake is a sentence that names the place."""

from collections.abc import Iterator, Mapping

from anomaly.errors import ConfigurationError


class Section:
    """A table of a TOML document, at `where`, iterated by its keys in the order of the file.

    What is asked for must be there and right, else `ConfigurationError`; `end` refuses the rest.
    """

    def __init__(self, where: str, values: object) -> None:
        if not isinstance(values, Mapping):
            raise ConfigurationError(f"{where} should be a table; it is {_short(values)}.")
        self.where = where
        self._values = values
        self._read: set[str] = set()

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def end(self) -> None:
        """Refuse keys that nobody asked for: a misspelt one would otherwise be silently without effect."""
        for key in self._values:
            if key not in self._read:
                raise ConfigurationError(f"{self.where} has {key!r}, which means nothing; remove it.")

    def section(self, key: str) -> "Section":
        """Return the table below `key`."""
        return Section(
            f"{self.where}: {key}" if ":" not in self.where else f"{self.where}.{key}", self._get(key)
        )

    def sections(self, key: str) -> tuple["Section", ...]:
        """Return the list of tables below `key`; none if there is no such key."""
        values = self._get(key) if key in self else []
        if not isinstance(values, list):
            raise self._wrong(key, "a list of tables", values)
        return tuple(Section(f"{self.where}: {key}[{at}]", each) for at, each in enumerate(values))

    def text(self, key: str, among: tuple[str, ...] = ()) -> str:
        """Return a text that is not empty, and one of `among` where those are given."""
        value = self._get(key)
        if not isinstance(value, str) or not value.strip() or (among and value not in among):
            raise self._wrong(key, f"one of {', '.join(among)}" if among else "a text", value)
        return value

    def text_or_none(self, key: str) -> str | None:
        """Return a text that is not empty, or None if there is no such key."""
        return self.text(key) if key in self else None

    def whole(self, key: str, least: int = 1) -> int:
        """Return a whole number of at least `least`."""
        value = self._get(key)
        if not _is_whole(value, least):
            raise self._wrong(key, f"a whole number of {least} or more", value)
        return int(value)  # type: ignore[call-overload,no-any-return]

    def whole_or_none(self, key: str) -> int | None:
        """Return a whole number of at least 1, or None if there is no such key."""
        return self.whole(key) if key in self else None

    def number_or_none(self, key: str) -> float | None:
        """Return a finite number above 0, or None if there is no such key."""
        if key not in self:
            return None
        value = self._get(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
            raise self._wrong(key, "a number above 0", value)
        return float(value)

    def flag(self, key: str) -> bool:
        """Return a truth value; false if there is no such key."""
        if key not in self:
            return False
        value = self._get(key)
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false", value)
        return value

    def pair(self, key: str) -> tuple[int, int]:
        """Return two whole numbers of at least 1, the second no smaller than the first."""
        value = self._get(key)
        if not isinstance(value, list) or len(value) != 2 or not all(_is_whole(each, 1) for each in value):
            raise self._wrong(key, "two whole numbers, from and to", value)
        if value[0] > value[1]:
            raise self._wrong(key, "a range that rises", value)
        return value[0], value[1]

    def _get(self, key: str) -> object:
        if key not in self._values:
            raise ConfigurationError(f"{self.where} lacks {key!r}.")
        self._read.add(key)
        return self._values[key]

    def _wrong(self, key: str, expected: str, value: object) -> ConfigurationError:
        return ConfigurationError(f"{self.where}: {key} should be {expected}; it is {_short(value)}.")


def _is_whole(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."
