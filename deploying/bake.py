"""`python -m deploying.bake FOLDER NAME...`: put published weights into a folder, for an image that has them."""

import logging
import sys
from pathlib import Path

from anomaly import weights
from anomaly.bootstrap import manifest
from anomaly.errors import ConfigurationError
from anomaly.settings import Settings

TOKEN = Path("/run/secrets/hf_token")
"""Where a build that was given the secret `hf_token` finds it; it leaves no trace in the image."""


def main(arguments: list[str]) -> None:
    """Fetch each named file of the manifest; with no name do nothing."""
    logging.basicConfig(level="INFO", format="%(message)s")
    folder, *names = arguments
    secret = Settings.read().hf_token
    token = (
        TOKEN.read_text().strip()
        if TOKEN.is_file()
        else None
        if secret is None
        else secret.get_secret_value()
    )
    for entry in [weights.named(manifest(), name) for name in names]:
        with weights.telling(entry.file) as told:
            print(weights.fetch(entry, Path(folder), token=token, told=told))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except ConfigurationError as error:
        sys.exit(f"{error.code}: {error}")
