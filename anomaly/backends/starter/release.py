"""What ships beside the weights: how the network's answer is read, and where it comes from."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from anomaly.backends.components import Component, Cut
from anomaly.errors import WeightsError

WEIGHTS = "starter.onnx"
FACTS = "starter.json"


@dataclass(frozen=True, slots=True)
class Calibration:
    """From a component's peak and length to the chance that it is a crack (Platt scaling).

    log-odds = `intercept` + `log_odds` * logit(peak) + `log_length` * ln(length_pixels).
    Source: Platt, Probabilistic outputs for support vector machines, 1999.
    """

    intercept: float
    log_odds: float
    log_length: float

    def score(self, component: Component) -> float:
        """Return the confidence in a component, 0..1."""
        peak = min(max(component.peak, 1e-4), 1 - 1e-4)
        value = (
            self.intercept
            + self.log_odds * float(np.log(peak / (1 - peak)))
            + self.log_length * float(np.log(component.length_pixels))
        )
        return float(1 / (1 + np.exp(-value)))


@dataclass(frozen=True, slots=True)
class Release:
    """The shipped network: its bytes, their sha256, and how to read its answers."""

    weights: bytes
    sha256: str
    cut: Cut
    calibration: Calibration
    date: str
    parameters: int


def read(folder: Path) -> Release:
    """Read the weights and the facts beside them.

    Raises `WeightsError` where a file is missing or the two do not belong together.
    """
    try:
        weights = (folder / WEIGHTS).read_bytes()
        facts = json.loads((folder / FACTS).read_text())
        release = Release(
            weights,
            hashlib.sha256(weights).hexdigest(),
            Cut(**facts["cut"]),
            Calibration(**facts["calibration"]),
            str(facts["date"]),
            int(facts["parameters"]),
        )
        stated = facts["sha256"]
    except FileNotFoundError as error:
        raise WeightsError(
            f"The embedded network's {Path(str(error.filename)).name} is missing: install the package again."
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise WeightsError(
            f"The embedded network's {FACTS} cannot be read: install the package again."
        ) from error
    if release.sha256 != stated:
        raise WeightsError(
            f"The embedded network's {WEIGHTS} is not the file that {FACTS} describes: install the package again."
        )
    return release
