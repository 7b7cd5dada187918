"""Turn a training folder into what ships: `python -m training.release --data FOLDER`.

Exports the averaged network, fits how its answers are read (on real photographs where `--data` names
them, else as before), evaluates it, and writes `starter.onnx` and `starter.json`.
"""

from __future__ import annotations

import argparse
import datetime
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from anomaly.backends import starter
from anomaly.backends.components import Component, Cut, components
from anomaly.backends.starter.network import Network
from anomaly.backends.starter.release import FACTS, WEIGHTS, Calibration
from anomaly.types import Options
from benchmarks import photographs
from benchmarks.cracks import evaluate
from training import calibrate, export
from training.network import build, count

SHIPPED = Path(starter.__file__).parent

CUT = Cut(low=0.45, high=0.7, bridge_pixels=5, shortest_pixels=25.0)
"""Chosen on the real photographs, among half a dozen that differ little: rather a broader mask than a broken one."""

TRUSTED = {photographs.pavement: 1.0, photographs.walls: 1.0, photographs.bridges: 0.5}
"""How much each set counts. Cracks on bridges are not all marked: what is counted wrong there may be right."""

THRESHOLD = Options().confidence_threshold


def fitted(weights: bytes, data: Path, cut: Cut) -> Calibration:
    """Fit the calibration on the real photographs; each set counts by its trust, whatever its size."""
    network = Network(weights, "cpu", 1)
    found: list[Component] = []
    truth: list[bool] = []
    share: list[float] = []
    for read, trust in TRUSTED.items():
        before = len(found)
        for one in read(data):
            near = calibrate.marked(one)
            for component in components(network.likeness(one.image), cut):
                found.append(component)
                truth.append(calibrate.right(component, near))
        share += [trust / max(1, len(found) - before)] * (len(found) - before)
    scale = len(found) / sum(TRUSTED.values())
    return calibrate.fit(found, truth, [weight * scale for weight in share])


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the release and print its figures."""
    import torch

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("work/training"))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--to", type=Path, default=SHIPPED)
    options = parser.parse_args(arguments)
    state = torch.load(options.folder / "state.pt", weights_only=True)
    network = build()
    network.load_state_dict(state["averaged"])
    with tempfile.TemporaryDirectory() as draft:
        digest = export.write(network, Path(draft) / WEIGHTS)
        weights = (Path(draft) / WEIGHTS).read_bytes()
    schedule = state["schedule"]
    facts: dict[str, object] = {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "sha256": digest,
        "parameters": count(network),
        "schedule": schedule,
        "rounds_done": state["done_rounds"],
        "photographs": state["done_rounds"] * schedule["photographs_per_round"],
        "steps": state["steps"],
        "seconds": round(state["seconds"]),
        "final_loss": round(float(np.mean(state["losses"][-3:])), 4),
        "torch": str(torch.__version__),
    }
    if options.data is None:
        before = json.loads((SHIPPED / FACTS).read_text())
        facts |= {name: before[name] for name in ("cut", "calibration", "evaluation")}
    else:
        calibration = fitted(weights, options.data, CUT)
        facts["cut"] = {name: getattr(CUT, name) for name in CUT.__slots__}
        facts["calibration"] = {name: getattr(calibration, name) for name in calibration.__slots__}
    _write(options.to, weights, facts)
    if options.data is not None:
        finder = starter.load(folder=options.to, threads=1)
        facts["evaluation"] = {"threshold": THRESHOLD, **_rounded(evaluate(finder, options.data, THRESHOLD))}
        _write(options.to, weights, facts)
    print(json.dumps(facts["evaluation"], indent=2))


def _rounded(value: object) -> object:
    """Return plain values with three decimals: more would be noise."""
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return round(value, 3) if isinstance(value, float) else value


def _write(folder: Path, weights: bytes, facts: dict[str, object]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / WEIGHTS).write_bytes(weights)
    (folder / FACTS).write_text(json.dumps(facts, indent=2) + "\n")


if __name__ == "__main__":
    main()
