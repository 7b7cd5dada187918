"""Prepare, look, conclude: one photograph's way to its findings.

`look` detects and segments: it holds the models and runs on the model thread, for a whole batch of views at
once. `prepare` before it cuts tiles, and `conclude` after it merges, measures and classifies: arithmetic that
runs anywhere. Pod, worker and command line all come through here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from anomaly.geometry.scale import scale_of
from anomaly.geometry.standards import Limit, Standards
from anomaly.measuring import Measured, Measuring
from anomaly.pipeline import conclusion
from anomaly.pipeline.holding import structures_of
from anomaly.pipeline.task import Outcome, Task, View
from anomaly.ports import Detector, Segmenter
from anomaly.taxonomy import Classified, Kind, Taxonomy
from anomaly.tiling import Merged, Piece, auto_tiles, choose
from anomaly.types import Box, Detection, Findings, Frame, Image, Mask, Options, Structure

__all__ = ["Outcome", "Pipeline", "Task", "View"]


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A detector, perhaps a segmenter, the names given to their labels, and the standards for widths.

    `measuring` is where masks are measured and written: in the thread that concludes, if left out. `batch` is how
    many views the memory plan holds at once; by it the tiles of large photographs are chosen.
    """

    detector: Detector
    segmenter: Segmenter | None
    taxonomy: Taxonomy
    standards: Standards
    measuring: Measuring = field(default_factory=Measuring)
    batch: int = 8

    def warm(self, count: int) -> None:
        """Run both models once on `count` blank photographs, so that the first caller does not wait for it.

        What is built at first use is built here: kernels, memory pools, filter banks. The processes that measure
        start meanwhile.
        """
        if self.segmenter is not None:
            self.measuring.warm()
        blank = np.zeros((640, 640, 3), np.uint8)
        self.detector.detect([blank] * count, 0.5)
        if self.segmenter is not None:
            self.segmenter.segment([blank] * count, [[Box(100, 100, 300, 200)]] * count)

    def close(self) -> None:
        """End the processes that measure."""
        self.measuring.close()

    def run(self, frame: Frame, options: Options) -> Findings:
        """Return one photograph's findings, all steps after one another."""
        task = self.prepare(frame, options)
        return self.conclude(task, self.look(task.views))

    def prepare(self, frame: Frame, options: Options) -> Task:
        """Cut a large photograph into tiles, and find out what a pixel measures. Pure; any thread.

        Raises `InvalidRequest` for tiles, a camera or a standard that cannot be, and `MarkerNotFound`.
        """
        return Task(
            frame,
            options,
            self._views(frame, options),
            None if options.scale is None else scale_of(options.scale, frame.image, frame.exif),
            self._limit(options),
        )

    def look(self, views: Sequence[View]) -> list[list[Piece]]:
        """Detect and segment a batch of views; the pieces of each come in its photograph's pixels.

        On the model thread only. Requests with different thresholds share the batch: the detector runs at
        the lowest.
        """
        if not views:
            return []
        images = [view.image for view in views]
        keys = [view.key for view in views]
        found = self.detector.detect(images, min(view.threshold for view in views), keys)
        kept = [self._kept(each, view.threshold) for each, view in zip(found, views, strict=True)]
        masks = self._segment(images, kept, keys)
        return [
            _pieces(each, found_masks, view.box)
            for each, found_masks, view in zip(kept, masks, views, strict=True)
        ]

    def conclude(self, task: Task, seen: Sequence[Sequence[Piece]]) -> Findings:
        """Merge what the views saw, measure and write each mask, give each piece its name and its place.

        Any thread. Waits for the processes that measure, where there are any.
        """
        frame = task.frame
        found = conclusion.merged(seen, frame)
        named = [(self.taxonomy.classify(each.label), each) for each in found]
        structures, defects = [], []
        for key, (label, each), done in zip(
            conclusion.keys(frame, found), named, self._measured(task, named), strict=True
        ):
            if label.kind is Kind.DEFECT:
                defects.append((key, label.name, each, done))
            elif label.kind is Kind.STRUCTURE:
                structures.append(
                    Structure(f"struct_{key}", label.name, each.box, each.score, each.mask, done.written)
                )
        holders = structures_of([(each.box, each.mask) for _, _, each, _ in defects], structures)
        anomalies = [
            conclusion.anomaly(task, f"anom_{key}", name, each, done, holder)
            for (key, name, each, done), holder in zip(defects, holders, strict=True)
        ]
        return Findings(
            frame.id,
            frame.width,
            frame.height,
            tuple(anomalies),
            tuple(structures),
            tiles=len(seen) - 1,
            image=frame.image if task.options.debug else None,
        )

    def _measured(self, task: Task, named: "Sequence[tuple[Classified, Piece | Merged]]") -> list[Measured]:
        """Return what is measured and written of each piece's mask: nothing, where there is none."""
        measured = [Measured()] * len(named)
        if all(each.mask is None for _, each in named):
            return measured
        jobs = {
            number: job
            for number, each in enumerate(named)
            if (job := conclusion.job(task, *each)) is not None
        }
        for number, done in zip(jobs, self.measuring.run(list(jobs.values())), strict=True):
            measured[number] = done
        return measured

    def _views(self, frame: Frame, options: Options) -> tuple[View, ...]:
        """Return the whole photograph, and its tiles where it is large or where tiles are asked for.

        Thin cracks vanish when a large photograph is shrunk to the detector's side. A detector that does not
        shrink its photographs (its card tells no resolution) sees them whole unless asked otherwise.
        """
        side = int(self.detector.card.details.get("resolution", 0))
        tiles: tuple[Box, ...] = ()
        if side or options.tiling != "auto":
            most = auto_tiles(self.batch)
            plan = choose(frame.width, frame.height, side, options.tiling, most_tiles=most)
            tiles = () if plan is None else plan.tiles
        everything = Box(0.0, 0.0, float(frame.width), float(frame.height))
        return tuple(
            View(_cut(frame.image, box), box, options.confidence_threshold, _key(frame, box))
            for box in (everything, *tiles)
        )

    def _limit(self, options: Options) -> Limit | None:
        if options.standard is None or options.exposure is None:
            return None
        return self.standards.limit(options.standard, options.exposure)

    def _kept(self, detections: Sequence[Detection], threshold: float) -> list[Detection]:
        """Leave out what scores too low for this request, and what is neither defect nor structure."""
        labels = {each.label for each in detections}
        unwanted = {label for label in labels if self.taxonomy.classify(label).kind is Kind.OTHER}
        return [each for each in detections if each.score >= threshold and each.label not in unwanted]

    def _segment(
        self, images: Sequence[Image], detections: Sequence[Sequence[Detection]], keys: Sequence[str]
    ) -> Sequence[Sequence[Mask | None]]:
        if self.segmenter is None:
            return [[None] * len(each) for each in detections]
        return self.segmenter.segment(images, [[each.box for each in found] for found in detections], keys)


def _cut(image: Image, box: Box) -> Image:
    return image[int(box.y_min) : int(box.y_max), int(box.x_min) : int(box.x_max)]


def _key(frame: Frame, box: Box) -> str:
    """Name what a view of a photograph shows: the file, and where in it. Empty where the file is not known."""
    if not frame.digest:
        return ""
    x_min, y_min, x_max, y_max = map(int, box)
    return f"{frame.digest} {x_min} {y_min} {x_max} {y_max}"


def _pieces(found: Sequence[Detection], masks: Sequence[Mask | None], view: Box) -> list[Piece]:
    """Return what was found in a view, in the photograph's pixels."""
    x, y = int(view.x_min), int(view.y_min)
    pieces = [
        Piece(label, score, box, mask, view) for (box, label, score), mask in zip(found, masks, strict=True)
    ]
    return [_moved(piece, x, y) for piece in pieces] if x or y else pieces


def _moved(piece: Piece, x: int, y: int) -> Piece:
    box, mask = piece.box, piece.mask
    return piece._replace(
        box=Box(box.x_min + x, box.y_min + y, box.x_max + x, box.y_max + y),
        mask=None if mask is None else replace(mask, x=mask.x + x, y=mask.y + y),
    )
