"""Prepare, look, conclude: one photograph's way to its findings.

`look` detects and segments: it holds the models and runs on the model thread, for a whole batch of views at
once. `prepare` before it cuts tiles, and `conclude` after it merges, measures and classifies: arithmetic that
runs anywhere. Pod, worker and command line all come through here.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from anomaly.errors import AnomalyError
from anomaly.geometry.scale import Scale, physical, scale_of
from anomaly.geometry.standards import Limit, Standards, width_class
from anomaly.measuring import Job, Measured, Measuring, around
from anomaly.ports import Detector, Segmenter
from anomaly.taxonomy import UNKNOWN, Classified, Kind, Taxonomy, structure_of
from anomaly.tiling import Merged, Piece, auto_tiles, choose, merge
from anomaly.types import (
    Anomaly,
    Box,
    Detection,
    Findings,
    Frame,
    Geometry,
    Image,
    Mask,
    Options,
    Physical,
    Structure,
)


@dataclass(frozen=True, slots=True)
class View:
    """What the models look at in one go: a whole photograph, or a tile of it.

    `image` shares the photograph's memory; `box` is where it lies in the photograph, in whole pixels. `key`
    names its content, and is the same whenever the same file shows the same part; empty where it is not known.
    """

    image: Image
    box: Box
    threshold: float
    key: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """One photograph and all that is settled before the models look at it.

    `views` is the whole photograph first, then its tiles; `scale` what a pixel measures, None where no
    millimetres were asked for; `limit` the width that a standard names, None where none was.
    """

    frame: Frame
    options: Options
    views: tuple[View, ...]
    scale: Scale | None = None
    limit: Limit | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """One photograph's findings, or the error with which it failed alone; and how long it took."""

    result: Findings | AnomalyError
    frame_id: str | None
    elapsed_ms: float


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
            [_piece(detection, mask, view.box) for detection, mask in zip(each, found_masks, strict=True)]
            for each, found_masks, view in zip(kept, masks, views, strict=True)
        ]

    def conclude(self, task: Task, seen: Sequence[Sequence[Piece]]) -> Findings:
        """Merge what the views saw, measure and write each mask, give each piece its name and its place.

        Any thread. Waits for the processes that measure, where there are any.
        """
        frame = task.frame
        found = _merged(seen, frame)
        named = [(self.taxonomy.classify(each.label), each) for each in found]
        measured = self._measured(task, named)
        structures: list[Structure] = []
        defects: list[tuple[str, str, Piece | Merged, Measured]] = []
        for key, (label, each), done in zip(_keys(frame, found), named, measured, strict=True):
            if label.kind is Kind.STRUCTURE:
                structures.append(
                    Structure(f"struct_{key}", label.name, each.box, each.score, each.mask, done.written)
                )
            elif label.kind is Kind.DEFECT:
                defects.append((f"anom_{key}", label.name, each, done))
        anomalies = tuple(_anomaly(task, *each, structures) for each in defects)
        return Findings(
            frame.id,
            frame.width,
            frame.height,
            anomalies,
            tuple(structures),
            tiles=len(seen) - 1,
            image=frame.image if task.options.debug else None,
        )

    def _measured(self, task: Task, named: "Sequence[tuple[Classified, Piece | Merged]]") -> list[Measured]:
        """Return what is measured and written of each piece's mask: nothing, where there is none."""
        measured = [Measured()] * len(named)
        jobs = {number: job for number, each in enumerate(named) if (job := _job(task, *each)) is not None}
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
        return [
            each
            for each in detections
            if each.score >= threshold and self.taxonomy.classify(each.label).kind is not Kind.OTHER
        ]

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
    return f"{frame.digest} {box.x_min:.0f} {box.y_min:.0f} {box.x_max:.0f} {box.y_max:.0f}"


def _piece(detection: Detection, mask: Mask | None, view: Box) -> Piece:
    """Return what was found in a view, in the photograph's pixels."""
    x, y = view.x_min, view.y_min
    box = detection.box
    if x or y:
        box = Box(box.x_min + x, box.y_min + y, box.x_max + x, box.y_max + y)
        mask = None if mask is None else replace(mask, x=mask.x + int(x), y=mask.y + int(y))
    return Piece(detection.label, detection.score, box, mask, view)


def _merged(seen: Sequence[Sequence[Piece]], frame: Frame) -> Sequence[Piece | Merged]:
    """Return the objects that all views show; a photograph that was seen whole is as the detector said."""
    if len(seen) == 1:
        return seen[0]
    return merge([piece for view in seen for piece in view], frame.width, frame.height)


def _job(task: Task, label: Classified, found: Piece | Merged) -> Job | None:
    """Return what is to be done with a mask; None where there is none, or nothing to do with it."""
    mask, options = found.mask, task.options
    form = options.mask_format if options.include_masks else None
    is_defect = label.kind is Kind.DEFECT
    if mask is None or not (is_defect or (label.kind is Kind.STRUCTURE and form)):
        return None
    job = Job(mask, task.frame.width, task.frame.height, measured=is_defect, form=form)
    if is_defect and label.name.endswith("crack"):
        photo, corner = around(task.frame.image, mask)
        return replace(job, photo=photo, corner=corner)
    return job


def _anomaly(
    task: Task, id_: str, name: str, found: Piece | Merged, done: Measured, structures: Sequence[Structure]
) -> Anomaly:
    mask = found.mask
    held = structure_of(found.box, mask, structures)
    return Anomaly(
        id=id_,
        defect_type=name,
        structure_type=UNKNOWN if held is None else held.structure.structure_type,
        box=found.box,
        detection_score=found.score,
        segmentation_score=None if mask is None else mask.score,
        geometry=done.geometry,
        mask=mask,
        structure_id=None if held is None else held.structure.id,
        structure_ioa=None if held is None else held.ioa,
        physical=_on_the_surface(task, done.geometry, mask),
        written=done.written,
    )


def _on_the_surface(task: Task, geometry: Geometry | None, mask: Mask | None) -> Physical | None:
    if task.scale is None or geometry is None or mask is None:
        return None
    measures = physical(geometry, mask, task.scale)
    if measures is None or task.limit is None:
        return measures
    return replace(measures, width_class=width_class(geometry, measures, task.limit))


def _keys(frame: Frame, found: Sequence[Piece | Merged]) -> list[str]:
    """Return a key for each object, made of the photograph's content and of what was found where."""
    keys: Counter[str] = Counter()
    unique = []
    for each in found:
        box = each.box
        text = f"{frame.digest} {each.label} {box.x_min:.1f} {box.y_min:.1f} {box.x_max:.1f} {box.y_max:.1f}"
        keys[text] += 1
        unique.append(hashlib.sha256(f"{text} {keys[text]}".encode()).hexdigest()[:12])
    return unique
