"""Three ways through the same photographs: ours, the bare networks, and the packages' own loop."""

import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np

from anomaly.backends.boxprompts import BoxSegmenter, Prompt
from anomaly.backends.device import inference
from anomaly.backends.rfdetr import RFDETR
from anomaly.imaging.photo import Photo
from anomaly.pipeline import Pipeline, Task
from anomaly.types import Box, Detection, Image, Limits, Options
from tests.tiny import DEFECTS, package_warnings_ignored

WIDTH, HEIGHT, COUNT = 1920, 1080, 8

DEPTH = 3
"""Batches after one another in a run of the whole: reading and measuring go on beside the networks."""


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


def whole(
    pipeline: Pipeline, photograph: bytes, batch: int, pool: ThreadPoolExecutor
) -> Callable[[], list[Any]]:
    """Return our way, from a file's bytes to findings, as the server goes it: DEPTH batches after one another.

    The pool reads the photographs ahead and measures behind, while this thread has the networks.
    """
    names = itertools.count()

    def read(name: str) -> Task:
        # Another name each time: the same content again would cost no network.
        frame = replace(Photo(photograph).frame(Limits()), digest=name)
        return pipeline.prepare(frame, Options(tiling="off"))

    def run() -> list[Any]:
        reading = [pool.submit(read, str(next(names))) for _ in range(batch * DEPTH)]
        measuring = []
        for start in range(0, len(reading), batch):
            tasks = [each.result() for each in reading[start : start + batch]]
            seen = pipeline.look([task.views[0] for task in tasks])
            measuring += [
                pool.submit(pipeline.conclude, task, [own]) for task, own in zip(tasks, seen, strict=True)
            ]
        return [each.result() for each in measuring]

    return run


def networks(detector: Steady, segmenter: BoxSegmenter, images: Sequence[Image]) -> Callable[[], None]:
    """Return the model thread's part of our way: pixels in, boxes and masks out, nothing measured."""
    return lambda: (  # type: ignore[return-value]
        detector.detect(images, 0.3),
        segmenter.segment(images, [boxes()] * len(images)),
    )


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


def loop(model: Any, module: Any, side: int, images: Sequence[Image], placement: Any) -> Callable[[], None]:
    """Return the packages' own way through `images`, one after another, without any geometry.

    RF-DETR's `predict` and `SAM2ImagePredictor`, the latter in the precision of our own, as its page shows it.
    """
    from sam2.sam2_image_predictor import SAM2ImagePredictor

    predictor = SAM2ImagePredictor(module)
    predictor._bb_feat_sizes = [(side // cut, side // cut) for cut in (4, 8, 16)]
    asked = np.array([[box.x_min, box.y_min, box.x_max, box.y_max] for box in boxes()])

    def run() -> None:
        for image in images:
            with package_warnings_ignored():
                model.predict(image, threshold=0.3)
            with inference(placement):
                predictor.set_image(image)
                predictor.predict(box=asked, multimask_output=False)

    return run
