"""Where the time of a batch goes: each step of our way by itself, with a wait for the device after each."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from anomaly.backends.boxprompts import BoxSegmenter, Prompt, normalised, slices
from anomaly.backends.device import inference
from anomaly.backends.lowres import mask_in_box
from anomaly.backends.rfdetr import RFDETR
from anomaly.backends.threads import Threads
from anomaly.imaging.photo import Photo
from anomaly.pipeline import Pipeline
from anomaly.types import Image, Limits, Mask, Options
from benchmarks.pipeline.ways import HEIGHT, WIDTH, boxes

T = TypeVar("T")


def synchronise(device: str) -> None:
    """Wait until the device has done what it was given."""
    import torch

    if device != "cpu":
        torch.cuda.synchronize()


class Clock:
    """Milliseconds by step, on the wall."""

    def __init__(self, device: str) -> None:
        self.ms: dict[str, float] = {}
        self._device = device

    def __call__(self, step: str, run: Callable[[], T]) -> T:
        """Return what `run` returns, and count how long it and its device took."""
        synchronise(self._device)
        began = time.perf_counter()
        result = run()
        synchronise(self._device)
        self.ms[step] = (time.perf_counter() - began) * 1e3
        return result


def of(
    pipeline: Pipeline,
    detector: RFDETR,
    segmenter: BoxSegmenter,
    file: bytes,
    batch: int,
    rounds: int,
) -> dict[str, float]:
    """Return the median ms of each step for a batch: reading and measuring on this thread, and the networks' own."""
    every = [_once(pipeline, detector, segmenter, [file] * batch) for _ in range(rounds + 1)][1:]
    return {step: statistics.median(each[step] for each in every) for step in every[0]}


def _once(
    pipeline: Pipeline, detector: RFDETR, segmenter: BoxSegmenter, files: Sequence[bytes]
) -> dict[str, float]:
    clock = Clock("cpu")
    frames = clock("reading", lambda: [Photo(file).frame(Limits()) for file in files])
    # Names of their own: the same content twice would cost its networks once.
    tasks = [
        pipeline.prepare(replace(frame, digest=str(number)), Options(tiling="off"))
        for number, frame in enumerate(frames)
    ]
    spent, _ = timed(detector, segmenter, [frame.image for frame in frames])
    seen = pipeline.look([task.views[0] for task in tasks])
    pairs = list(zip(tasks, seen, strict=True))
    clock("measuring", lambda: [pipeline.conclude(task, [own]) for task, own in pairs])
    return {"reading": clock.ms["reading"], **spent, "measuring": clock.ms["measuring"]}


def timed(
    detector: RFDETR, segmenter: BoxSegmenter, images: Sequence[Image]
) -> tuple[dict[str, float], list[Mask]]:
    """Return ms of each step for the whole batch, and the masks that came out."""
    import torch

    placement, network = detector._placement, segmenter._network
    clock, threads = Clock(placement.device), Threads()
    prompts = [Prompt(index, box, WIDTH, HEIGHT) for index in range(len(images)) for box in boxes()]
    with inference(placement):
        pixels = clock(
            "detector: upload, resize, normalise",
            lambda: torch.addcmul(detector._shift, detector._resized(images), detector._scale),
        )
        found, logits = clock("detector: network", lambda: detector._network(pixels)[:2])
        clock(
            "detector: best boxes, download",
            lambda: detector._best(found.float(), logits.float()).cpu().numpy(),
        )
        looked = clock(
            "segmenter: resize, upload, normalise", lambda: normalised(images, network, placement, threads)
        )
        features = clock("segmenter: encoder", lambda: network.encode(looked))
        grids = clock(
            "segmenter: decoder, download",
            lambda: [
                segmenter._logits(network.levels(features), part)
                for part in slices(prompts, segmenter._max_prompts)
            ],
        )
    asked = [
        (grid, each.box, each.width, each.height, float(score))
        for part, (values, scores) in zip(slices(prompts, segmenter._max_prompts), grids, strict=True)
        for each, grid, score in zip(part, values, scores, strict=True)
    ]
    masks = clock(
        "segmenter: masks in boxes",
        lambda: threads.map(mask_in_box, *zip(*asked, strict=True)),
    )
    return clock.ms, masks
