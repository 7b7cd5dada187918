"""Detect, segment, measure, classify: one photograph's way to its findings, one step per line.

The first two steps hold the models and run on the model thread, for a whole batch at once; the other
two are arithmetic on masks and run anywhere. Pod, worker and command line all come through here.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from anomaly.errors import AnomalyError
from anomaly.geometry import measure_mask
from anomaly.ports import Detector, Segmenter
from anomaly.taxonomy import Kind, Taxonomy, place
from anomaly.types import Anomaly, Box, Detection, Findings, Frame, Image, Mask, Options, Structure


@dataclass(frozen=True, slots=True)
class Seen:
    """What the models saw on one photograph; `masks` matches `detections`, None where nothing segments.

    It holds no pixels, so that a photograph is let go as soon as the models have seen it.
    """

    frame_id: str
    digest: str
    width: int
    height: int
    detections: tuple[Detection, ...]
    masks: tuple[Mask | None, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One photograph's findings, or the error with which it failed alone; and how long it took."""

    result: Findings | AnomalyError
    frame_id: str | None
    elapsed_ms: float


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A detector, perhaps a segmenter, and the names that this product gives to their labels."""

    detector: Detector
    segmenter: Segmenter | None
    taxonomy: Taxonomy

    def warm(self, count: int) -> None:
        """Run both models once on `count` blank photographs, so that the first caller does not wait for it.

        What is built at first use is built here: kernels, memory pools, filter banks.
        """
        blank = np.zeros((640, 640, 3), np.uint8)
        self.detector.detect([blank] * count, 0.5)
        if self.segmenter is not None:
            self.segmenter.segment([blank] * count, [[Box(100, 100, 300, 200)]] * count)

    def run(self, jobs: Sequence[tuple[Frame, Options]]) -> list[Findings]:
        """Return the findings of each photograph, in order: `look`, then `conclude`."""
        return [self.conclude(seen) for seen in self.look(jobs)]

    def look(self, jobs: Sequence[tuple[Frame, Options]]) -> list[Seen]:
        """Detect and segment a batch of photographs. On the model thread only.

        Requests with different thresholds share the batch: the detector runs at the lowest.
        """
        if not jobs:
            return []
        frames = [frame for frame, _ in jobs]
        images = [frame.image for frame in frames]
        found = self.detector.detect(images, min(options.confidence_threshold for _, options in jobs))
        kept = [self._kept(each, options) for each, (_, options) in zip(found, jobs, strict=True)]
        masks = self._segment(images, kept)
        return [
            Seen(frame.id, frame.digest, frame.width, frame.height, tuple(each), tuple(mask))
            for frame, each, mask in zip(frames, kept, masks, strict=True)
        ]

    def conclude(self, seen: Seen) -> Findings:
        """Measure each mask, and give each detection its name and its place. Pure; any thread."""
        named = [
            (self.taxonomy.classify(detection.label), key, detection, mask)
            for key, detection, mask in zip(_keys(seen), seen.detections, seen.masks, strict=True)
        ]
        structures = tuple(
            Structure(f"struct_{key}", label.name, detection.box, detection.score, mask)
            for label, key, detection, mask in named
            if label.kind is Kind.STRUCTURE
        )
        anomalies = tuple(
            place(_measured(seen, f"anom_{key}", label.name, detection, mask), structures)
            for label, key, detection, mask in named
            if label.kind is Kind.DEFECT
        )
        return Findings(seen.frame_id, seen.width, seen.height, anomalies, structures)

    def _kept(self, detections: Sequence[Detection], options: Options) -> list[Detection]:
        """Leave out what scores too low for this request, and what is neither defect nor structure."""
        return [
            each
            for each in detections
            if each.score >= options.confidence_threshold
            and self.taxonomy.classify(each.label).kind is not Kind.OTHER
        ]

    def _segment(
        self, images: Sequence[Image], detections: Sequence[Sequence[Detection]]
    ) -> Sequence[Sequence[Mask | None]]:
        if self.segmenter is None:
            return [[None] * len(each) for each in detections]
        return self.segmenter.segment(images, [[each.box for each in found] for found in detections])


def _measured(seen: Seen, id_: str, name: str, detection: Detection, mask: Mask | None) -> Anomaly:
    return Anomaly(
        id=id_,
        defect_type=name,
        structure_type="unknown",
        box=detection.box,
        detection_score=detection.score,
        segmentation_score=None if mask is None else mask.score,
        geometry=None if mask is None or not mask.area else measure_mask(mask, seen.width, seen.height),
        mask=mask,
    )


def _keys(seen: Seen) -> list[str]:
    """Return a key for each detection, made of the photograph's content and of what was found where."""
    keys: Counter[str] = Counter()
    unique = []
    for each in seen.detections:
        box = each.box
        text = f"{seen.digest} {each.label} {box.x_min:.1f} {box.y_min:.1f} {box.x_max:.1f} {box.y_max:.1f}"
        keys[text] += 1
        unique.append(hashlib.sha256(f"{text} {keys[text]}".encode()).hexdigest()[:12])
    return unique
