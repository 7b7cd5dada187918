"""`python -m deploying.healthcheck`: status 0 where the server of this container lives.

A server that is loading or draining lives; one that failed, or answers nothing, does not. A queue's worker
listens on no port: it lives as long as its process does, which the container's engine sees itself.
"""

import sys
import urllib.error
import urllib.request

from anomaly.settings import Settings

TIMEOUT_S = 8.0


def main() -> int:
    """Return the exit status."""
    settings = Settings.read()
    if settings.serverless:
        return 0
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{settings.http_port}/health", timeout=TIMEOUT_S):
            return 0
    except urllib.error.HTTPError as error:
        return 0 if b'"live":true' in error.read() else 1
    except OSError:
        return 1


if __name__ == "__main__":
    sys.exit(main())
