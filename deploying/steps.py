"""Building, pushing, creating or updating, testing, taking down: each step printed, and done unless it is a dry run."""

import json
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TextIO

from anomaly.errors import ConfigurationError
from deploying import bodies, smoke
from deploying.config import Deployment
from deploying.platform import Platform

COLD_START_S = 900.0
"""A first start pulls an image of gigabytes; RunPod itself gives up on a worker after some minutes more."""


@dataclass(frozen=True, slots=True)
class Hands:
    """What the steps work with. `dry` prints and does nothing; `out` is written to."""

    platform: Platform
    api_key: str
    out: TextIO
    dry: bool = False

    def say(self, text: str) -> None:
        """Write a line."""
        self.out.write(f"{text}\n")
        self.out.flush()

    def run(self, command: Sequence[str]) -> None:
        """Run a program. Raises `ConfigurationError` where it is missing or fails."""
        self.say(f"$ {shlex.join(command)}")
        if self.dry:
            return
        try:
            subprocess.run(command, check=True)
        except FileNotFoundError:
            raise ConfigurationError(f"There is no {command[0]} on this machine: install it.") from None
        except subprocess.CalledProcessError as error:
            raise ConfigurationError(f"{command[0]} ended with status {error.returncode}.") from None

    def ask(self, method: str, path: str, body: Any = None, hidden: frozenset[str] = frozenset()) -> Any:
        """Call RunPod's API. Values in `hidden` are not printed."""
        shown = "" if body is None else f" {json.dumps(body, indent=2)}"
        for secret in hidden:
            shown = shown.replace(json.dumps(secret), '"(from your shell)"')
        self.say(f"{method} {path}{shown}")
        return None if self.dry else self.platform.call(method, path, body)


def build(deployment: Deployment, hands: Hands) -> None:
    """Build the image for RunPod's machines, and push it."""
    command = ["docker", "build", "--platform", "linux/amd64", "--tag", deployment.image]
    command += ["--build-arg", f"DEVICE={deployment.build.device}"]
    if deployment.build.weights:
        command += ["--build-arg", f"WEIGHTS={' '.join(deployment.build.weights)}"]
        command += ["--secret", "id=hf_token,env=HF_TOKEN"]
    hands.run([*command, "."])
    if deployment.build.push:
        hands.run(["docker", "push", deployment.image])


def apply(deployment: Deployment, hands: Hands) -> dict[str, Any]:
    """Create it, or update what has its name; return what the platform says of it."""
    path, _ = bodies.collection(deployment)
    hidden = frozenset(deployment.secrets())
    there = _found(deployment, hands)
    if hands.dry:
        hands.say(f"# where there is none named {deployment.name!r}:")
        hands.ask("POST", path, bodies.to_create(deployment), hidden)
        hands.say("# and otherwise:")
        hands.ask("PATCH", f"{path}/ID", bodies.to_update(deployment), hidden)
        return {"id": "ID"}
    if there is None:
        made = hands.ask("POST", path, bodies.to_create(deployment), hidden)
        hands.say(f"created {made['id']}")
    else:
        made = hands.ask("PATCH", f"{path}/{there['id']}", bodies.to_update(deployment), hidden)
        made = {**there, **(made or {})}
        hands.say(f"updated {made['id']}")
    return dict(made)


def test(deployment: Deployment, made: dict[str, Any], hands: Hands, within_s: float) -> None:
    """Ask what was deployed about the sample. Raises `ConfigurationError` where it does not find the crack."""
    url = smoke.address(deployment.way, made, deployment.port)
    hands.say(f"# the sample is sent to {url}, which has {within_s:g} s to start and to answer")
    if not hands.dry:
        hands.say(smoke.test(url, hands.api_key, deployment.way, within_s=within_s))


def down(deployment: Deployment, hands: Hands) -> None:
    """Remove what has the deployment's name; say so where there is nothing."""
    path, _ = bodies.collection(deployment)
    there = _found(deployment, hands)
    if hands.dry:
        hands.say(f"# where there is one named {deployment.name!r}:")
        hands.ask("DELETE", f"{path}/ID")
    elif there is None:
        hands.say(f"there is nothing named {deployment.name!r}")
    else:
        hands.ask("DELETE", f"{path}/{there['id']}")
        hands.say(f"removed {there['id']}")


def show(deployment: Deployment, hands: Hands) -> dict[str, Any]:
    """Return what has the deployment's name. Raises `ConfigurationError` where there is nothing."""
    there = _found(deployment, hands)
    if there is None and not hands.dry:
        raise ConfigurationError(f"There is nothing named {deployment.name!r}: `up` makes it.")
    return there or {"id": "ID"}


def _found(deployment: Deployment, hands: Hands) -> dict[str, Any] | None:
    path, key = bodies.collection(deployment)
    listed = hands.ask("GET", path)
    matching = [each for each in (listed or {}).get(key, []) if each.get("name") == deployment.name]
    if len(matching) > 1:
        raise ConfigurationError(
            f"{len(matching)} things are named {deployment.name!r}: rename or remove all but one in the console."
        )
    return matching[0] if matching else None
