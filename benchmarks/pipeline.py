"""Photographs a second through the whole pipeline, beside its ceiling and beside the packages' own loop.

`python -m benchmarks.pipeline`: 1080p photographs, eight defects on each, RF-DETR and SAM 2.1 with random
weights; tiny ones on the CPU, RF-DETR medium and SAM 2.1 large with `--device cuda`. The ceiling is the bare
forward passes of the same networks on tensors that are there already; the loop is RF-DETR's `predict` and
`SAM2ImagePredictor`, one photograph after another, without any geometry. The three take turns.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from anomaly.backends import rfdetr, sam2
from anomaly.backends.boxprompts import BoxSegmenter, Prompt
from anomaly.backends.device import import_torchvision, inference
from anomaly.backends.rfdetr.detector import RFDETR
from anomaly.bootstrap import tables
from anomaly.imaging.decode import decode
from anomaly.pipeline import Pipeline
from anomaly.types import Box, Detection, Frame, Image, Limits, Options
from benchmarks import machine
from benchmarks.serving.requests import photograph
from tests.tiny import DEFECTS, package_warnings_ignored, tiny_rfdetr_checkpoint
from tests.tiny_sam import ARCHITECTURE, save_tiny_sam2

WIDTH, HEIGHT, COUNT = 1920, 1080, 8


def boxes() -> list[Box]:
    """Return COUNT boxes, a twentieth to a quarter of the photograph wide and high."""
    drawn = np.random.default_rng(0).uniform((0, 0, 0.05, 0.05), (0.7, 0.7, 0.25, 0.25), (COUNT, 4)).tolist()
    return [Box(x * WIDTH, y * HEIGHT, (x + w) * WIDTH, (y + h) * HEIGHT) for x, y, w, h in drawn]


class Steady:
    """A detector that does its work, and then answers eight fixed boxes: random weights find anything."""

    def __init__(self, detector: RFDETR) -> None:
        self._detector = detector
        self.card = detector.card
        self._found = [Detection(box, DEFECTS[0], 0.9) for box in boxes()]

    def detect(
        self, images: Sequence[Image], threshold: float, keys: Sequence[str] = ()
    ) -> list[list[Detection]]:
        """Return the fixed boxes, after the network has run."""
        self._detector.detect(images, threshold, keys)
        return [list(self._found) for _ in images]


@dataclass(frozen=True, slots=True)
class Weights:
    """The two checkpoints, and the side of SAM's input."""

    detector: Path
    segmenter: Path
    side: int


def weights(folder: Path, *, tiny: bool) -> Weights:
    """Write random weights: tiny ones, or those of RF-DETR medium and SAM 2.1 large."""
    if tiny:
        side = int(ARCHITECTURE["image_size"])
        return Weights(tiny_rfdetr_checkpoint(folder / "rf.pt"), save_tiny_sam2(folder / "sam.pt"), side)
    import torch

    import_torchvision()
    from rfdetr import RFDETRMedium
    from sam2.build_sam import build_sam2

    with package_warnings_ignored():
        network = RFDETRMedium(pretrain_weights=None, num_classes=len(DEFECTS), device="cpu").model.model
    args = {"num_classes": len(DEFECTS), "class_names": list(DEFECTS), "pretrain_weights": None}
    content = {"model": network.state_dict(), "args": args, "model_name": "RFDETRMedium"}
    torch.save(content, folder / "rf.pt")
    sam = build_sam2("configs/sam2.1/sam2.1_hiera_l.yaml", None, device="cpu")
    torch.save({"model": sam.state_dict()}, folder / "sam.pt")
    return Weights(folder / "rf.pt", folder / "sam.pt", 1024)


def synchronise(device: str) -> None:
    """Wait until the device has done what it was given."""
    import torch

    if device != "cpu":
        torch.cuda.synchronize()


def ceiling(detector: RFDETR, segmenter: BoxSegmenter, batch: int) -> Callable[[], None]:
    """Return the bare forward passes: detector, encoder, decoder; no pixels are moved but the logits."""
    import torch

    placement, network = detector._placement, segmenter._network
    resolution = int(detector.card.details["resolution"])
    seen = torch.rand((batch, 3, resolution, resolution), device=placement.device)
    looked = torch.rand((batch, 3, network.size, network.size), device=placement.device)
    prompts = [Prompt(index, box, WIDTH, HEIGHT) for index in range(batch) for box in boxes()]

    def run() -> None:
        with inference(placement):
            detector._network(seen)
            levels = network.levels(network.encode(looked))
            for start in range(0, len(prompts), segmenter._max_prompts):
                segmenter._logits(levels, prompts[start : start + segmenter._max_prompts])

    return run


def loop(files: Weights, segmenter_module: Any, images: Sequence[Image], device: str) -> Callable[[], None]:
    """Return the packages' own way through `images`."""
    from rfdetr import from_checkpoint
    from sam2.sam2_image_predictor import SAM2ImagePredictor

    with package_warnings_ignored():
        model = from_checkpoint(str(files.detector), device=device)
    predictor = SAM2ImagePredictor(segmenter_module)
    predictor._bb_feat_sizes = [(files.side // cut, files.side // cut) for cut in (4, 8, 16)]
    asked = np.array([[box.x_min, box.y_min, box.x_max, box.y_max] for box in boxes()])

    def run() -> None:
        for image in images:
            with package_warnings_ignored():
                model.predict(image, threshold=0.3)
            predictor.set_image(image)
            predictor.predict(box=asked, multimask_output=False)

    return run


def built(path: Path, *, tiny: bool, device: str) -> Any:
    """Return the SAM of `path` as its own package builds it."""
    import torch

    if tiny:
        from tests.tiny_sam import tiny_sam2

        return tiny_sam2().to(device)
    from sam2.build_sam import build_sam2

    module = build_sam2("configs/sam2.1/sam2.1_hiera_l.yaml", None, device=device)
    module.load_state_dict(torch.load(path, weights_only=True)["model"])
    return module


def measure(device: str, batch: int, rounds: int) -> dict[str, Any]:
    """Return photographs a second of the three ways, their ratios, and ms a photograph of each step."""
    tiny = device == "cpu"
    image = decode(photograph(WIDTH, HEIGHT), Limits())
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor() as pool:
        files = weights(Path(name), tiny=tiny)
        detector = rfdetr.load(weights=files.detector, device=device, max_batch=batch)
        segmenter = sam2.load(weights=files.segmenter, device=device, max_batch=batch)
        pipeline = Pipeline(Steady(detector), segmenter, tables.taxonomy(), tables.standards())
        frames = [Frame(str(number), image, str(number)) for number in range(batch)]
        options = Options(tiling="off")
        tasks = [pipeline.prepare(frame, options) for frame in frames]
        views = [view for each in tasks for view in each.views]

        def whole() -> None:
            seen = pipeline.look(views)
            list(pool.map(lambda task, each: pipeline.conclude(task, [each]), tasks, seen))

        ways = {
            "ours, whole": whole,
            "ours, without geometry": lambda: pipeline.look(views),
            "ceiling": ceiling(detector, segmenter, batch),
            "loop": loop(files, built(files.segmenter, tiny=tiny, device=device), [image] * batch, device),
            "step: detect": lambda: pipeline.detector.detect([image] * batch, 0.3),
            "step: segment": lambda: segmenter.segment([image] * batch, [boxes()] * batch),
        }
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        for number in range(rounds + 1):
            for way, run in ways.items():
                synchronise(device)
                started = time.perf_counter()
                run()
                synchronise(device)
                if number:  # the first round warms up
                    seconds[way].append(time.perf_counter() - started)

    def ratio(one: str, other: str) -> float:
        return round(statistics.median(b / a for a, b in zip(seconds[one], seconds[other], strict=True)), 3)

    return {
        "per_s": {way: round(batch / statistics.median(each), 2) for way, each in seconds.items()},
        "of_the_ceiling": {way: ratio(way, "ceiling") for way in ("ours, whole", "ours, without geometry")},
        "times_the_loop": {way: ratio(way, "loop") for way in ("ours, whole", "ours, without geometry")},
    }


def main() -> None:
    """Print the table and write the JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pipeline", description=__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    result = measure(args.device, args.batch, args.rounds)
    print("| | photographs/s | of the ceiling | x the loop |\n|---|---|---|---|")
    for way, per_s in result["per_s"].items():
        shares = [result[key].get(way, "") for key in ("of_the_ceiling", "times_the_loop")]
        print(f"| {way} | {per_s} | {shares[0]} | {shares[1]} |")
    out = args.out or Path(__file__).parent / "results" / f"pipeline-{args.device.partition(':')[0]}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    report = {"machine": machine.describe(), "device": args.device, "batch": args.batch, **result}
    out.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
