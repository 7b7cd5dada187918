"""Reading a Dockerfile: what each stage does, in order. As much of the format as one without here-documents has."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: `name` in capitals, `flags` such as {"from": "build"}, and the rest as it stands."""

    name: str
    flags: Mapping[str, str]
    text: str

    @property
    def words(self) -> list[str]:
        """The rest as a list, in its exec form where it has one."""
        return json.loads(self.text) if self.text.startswith("[") else self.text.split()

    def pairs(self) -> dict[str, str]:
        """The `NAME=value` pairs of an ENV or a LABEL."""
        found = re.findall(r'([\w.]+)=("(?:[^"\\]|\\.)*"|\S*)', self.text)
        return {name: value[1:-1] if value.startswith('"') else value for name, value in found}


@dataclass(frozen=True, slots=True)
class Stage:
    """What follows one FROM. `base` is an image or the name of an earlier stage."""

    name: str
    base: str
    instructions: tuple[Instruction, ...]


def read(path: Path) -> tuple[dict[str, str], list[Stage]]:
    """Return the arguments before the first FROM with their defaults, and the stages."""
    arguments: dict[str, str] = {}
    stages: list[Stage] = []
    for each in _instructions(path.read_text(encoding="utf-8")):
        if each.name == "FROM":
            base, *alias = re.split(r"\s+AS\s+", each.text, flags=re.IGNORECASE)
            stages.append(Stage(alias[0] if alias else str(len(stages)), base, ()))
        elif stages:
            last = stages[-1]
            stages[-1] = Stage(last.name, last.base, (*last.instructions, each))
        else:
            name, _, default = each.text.partition("=")
            arguments[name] = default.strip('"')
    return arguments, stages


def _instructions(text: str) -> list[Instruction]:
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    found = []
    for line in filter(None, map(str.strip, joined.splitlines())):
        name, _, rest = line.partition(" ")
        flags: dict[str, str] = {}
        while match := re.match(r"--(\w+)=(\S+)\s+", rest := rest.lstrip()):
            flags[match[1]] = match[2]
            rest = rest[match.end() :]
        found.append(Instruction(name.upper(), flags, rest))
    return found
