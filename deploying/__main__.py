"""`python -m deploying up|down|test|hub [--config deploy.toml] [--dry-run]`: the product on RunPod.

up: build the image, push it, create or update the pod or endpoint, and ask it about the sample. down: remove it.
test: ask what runs about the sample. hub: write `.runpod/`. RUNPOD_API_KEY is your key.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from anomaly.errors import AnomalyError, ConfigurationError
from deploying import hub, steps
from deploying.config import Deployment
from deploying.platform import ADDRESS, Platform


def arguments() -> argparse.ArgumentParser:
    """Return the command line's description."""
    parser = argparse.ArgumentParser(
        prog="python -m deploying", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("up", "down", "test", "hub"))
    parser.add_argument("--config", type=Path, default=Path("deploy.toml"), help="default: %(default)s")
    parser.add_argument("--dry-run", action="store_true", help="print each step and do none")
    parser.add_argument("--no-build", action="store_true", help="up: take the image as it is in the registry")
    parser.add_argument("--no-test", action="store_true", help="up: do not ask about the sample")
    parser.add_argument("--api", default=ADDRESS, help="address of RunPod's REST API (default: %(default)s)")
    parser.add_argument(
        "--within", type=float, default=steps.COLD_START_S, metavar="S", help="seconds for the first answer"
    )
    return parser


def main(argv: Sequence[str] | None = None, out: TextIO = sys.stdout) -> int:
    """Run the command; return its exit code."""
    asked = arguments().parse_args(argv)
    if asked.what == "hub":
        hub.write()
        return 0
    try:
        deployment = Deployment.read(asked.config)
        api_key = os.environ.get("RUNPOD_API_KEY", "")
        if not api_key and not asked.dry_run:
            raise ConfigurationError(
                "RUNPOD_API_KEY is not set: make a key in RunPod's settings and export it."
            )
        hands = steps.Hands(Platform(api_key, asked.api), api_key, out, asked.dry_run)
        try:
            _do(asked, deployment, hands)
        finally:
            hands.platform.close()
    except AnomalyError as error:
        sys.stderr.write(f"{error.code}: {error}\n")
        return 1
    return 0


def _do(asked: argparse.Namespace, deployment: Deployment, hands: steps.Hands) -> None:
    match asked.what:
        case "up":
            if not asked.no_build:
                steps.build(deployment, hands)
            made = steps.apply(deployment, hands)
            if not asked.no_test:
                steps.test(deployment, made, hands, asked.within)
        case "down":
            steps.down(deployment, hands)
        case "test":
            steps.test(deployment, steps.show(deployment, hands), hands, asked.within)


if __name__ == "__main__":
    sys.exit(main())
