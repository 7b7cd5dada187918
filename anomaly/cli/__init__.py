"""The command line: `anomaly detect`, `serve`, `simulate`, `plan`, `doctor`, `weights`.

Each command's module declares its options and imports what does the work only when it runs, so that `--help`
and completion answer at once.
"""

from anomaly.cli.app import main

__all__ = ["main"]
