"""What is to be deployed, read from one TOML file; `deploying/example.toml` shows every field."""

import os
import re
import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from anomaly.bootstrap import manifest
from anomaly.errors import ConfigurationError
from anomaly.settings import Settings

Way = Literal["pod", "queue", "load-balancer"]

_THEIRS = re.compile(r"\{\{ *RUNPOD_SECRET_\w+ *\}\}")
"""A secret that RunPod keeps and fills in itself."""


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Build(_Table):
    """How the image is made: the Dockerfile's arguments."""

    device: str = "gpu"
    weights: tuple[str, ...] = ()
    push: bool = True

    @model_validator(mode="after")
    def _known(self) -> Self:
        known = {each.name for each in manifest()}
        if unknown := set(self.weights) - known:
            raise ValueError(f"no weights {', '.join(sorted(unknown))}: there are {', '.join(sorted(known))}")
        return self


class Gpu(_Table):
    """Endpoints take cards from `pools`, a pod is given one `card`. `min_cuda` is the driver's."""

    pools: tuple[str, ...] = ("AMPERE_16", "AMPERE_24", "ADA_24")
    card: str = "NVIDIA RTX A4000"
    count: Annotated[int, Field(ge=1)] = 1
    min_cuda: Annotated[str, Field(pattern=r"^\d+\.\d+$")] = "13.0"


class Workers(_Table):
    """How an endpoint scales. A queue adds a worker when a job waits `queue_delay_s`, a load balancer when one has
    `requests` in work."""

    min: Annotated[int, Field(ge=0)] = 0
    max: Annotated[int, Field(ge=1)] = 3
    idle_timeout_s: Annotated[int, Field(ge=1, le=3600)] = 10
    queue_delay_s: Annotated[float, Field(ge=0.5)] = 4.0
    requests: Annotated[int, Field(ge=1)] = 4
    execution_timeout_s: Annotated[int, Field(ge=1)] = 300
    flashboot: bool = True


class Deployment(_Table):
    """One pod or endpoint, by its `name`, which is how it is found again."""

    name: Annotated[str, Field(pattern=r"^[\w.-]+$")]
    way: Way
    image: Annotated[str, Field(min_length=1)]
    disk_gb: Annotated[int, Field(ge=1)] = 30
    port: Annotated[int, Field(ge=1, le=65535)] = 8000
    data_centers: tuple[str, ...] = ()
    volume: str = ""
    registry: str = ""
    build: Build = Build()
    gpu: Gpu = Gpu()
    workers: Workers = Workers()
    environment: dict[str, str] = {}

    @model_validator(mode="after")
    def _understood(self) -> Self:
        known = {name.upper() for name in Settings.model_fields} | {"HF_ENDPOINT"}
        if unknown := set(self.environment) - known:
            raise ValueError(f"the server reads no variable {', '.join(sorted(unknown))}")
        ours = {"RUNPOD_SERVERLESS", "RUNPOD_LOAD_BALANCER", "PORT", "PORT_HEALTH", "API_PORT"}
        if twice := set(self.environment) & ours:
            raise ValueError(f"{', '.join(sorted(twice))} follow from `way` and `port`: leave them out")
        return self

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the file at `path`. Raises `ConfigurationError` with a sentence for each mistake."""
        try:
            return cls.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise ConfigurationError(
                f"There is no {path}: copy deploying/example.toml to it, and edit the copy."
            ) from None
        except tomllib.TOMLDecodeError as error:
            raise ConfigurationError(f"{path} is not TOML: {error}.") from None
        except ValidationError as error:
            problems = (
                f"{'.'.join(map(str, each['loc'])) or 'environment'}: {each['msg']}"
                for each in error.errors(include_url=False)
            )
            raise ConfigurationError(f"{path}: {'; '.join(problems)}") from None

    def variables(self) -> dict[str, str]:
        """Return the environment of the container. `$NAME` is taken from this shell's.

        Raises `ConfigurationError` for a `$NAME` that this shell does not have.
        """
        mode = {"RUNPOD_SERVERLESS": "false" if self.way == "pod" else "true"}
        if self.way == "load-balancer":
            mode |= {"RUNPOD_LOAD_BALANCER": "true", "PORT": str(self.port), "PORT_HEALTH": str(self.port)}
        elif self.way == "pod":
            mode |= {"API_PORT": str(self.port)}
        if self.way == "pod" and self.volume:
            mode |= {"VOLUME_PATH": "/workspace"}
        return mode | {name: self._filled_in(name, value) for name, value in self.environment.items()}

    def secrets(self) -> set[str]:
        """Return the values that came from this shell, which are not to be shown."""
        taken = {name for name, value in self.environment.items() if value.startswith("$")}
        return {value for name, value in self.variables().items() if name in taken}

    def _filled_in(self, name: str, value: str) -> str:
        if not value.startswith("$") or _THEIRS.search(value):
            return value
        found = os.environ.get(value[1:])
        if not found:
            raise ConfigurationError(
                f"environment.{name} is {value}, and this shell has no {value[1:]}: set it."
            )
        return found
