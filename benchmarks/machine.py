"""The machine a benchmark ran on, as far as its figures depend on it."""

import os
import platform
from datetime import UTC, datetime
from pathlib import Path


def load_average() -> list[float]:
    """Return the system's load averages over 1, 5 and 15 minutes: what else ran."""
    return [round(each, 2) for each in os.getloadavg()]


def describe() -> dict[str, object]:
    """Return processor, cores, date and load, for the head of a result."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "load_average": load_average(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
