"""From what the models saw to what is answered: merging, what is to be measured, and each defect's place."""

import struct
from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b

from anomaly.geometry.scale import physical
from anomaly.geometry.standards import width_class
from anomaly.measuring import Job, Measured, around
from anomaly.pipeline.holding import Held
from anomaly.pipeline.task import Task
from anomaly.taxonomy import UNKNOWN, Classified, Kind
from anomaly.tiling import Merged, Piece, merge
from anomaly.types import Anomaly, Frame, Geometry, Mask, Physical

_FOUR = struct.Struct("<4d")


def merged(seen: Sequence[Sequence[Piece]], frame: Frame) -> Sequence[Piece | Merged]:
    """Return the objects that all views show; a photograph that was seen whole is as the detector said."""
    if len(seen) == 1:
        return seen[0]
    return merge([piece for view in seen for piece in view], frame.width, frame.height)


def job(task: Task, label: Classified, found: Piece | Merged) -> Job | None:
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


def anomaly(
    task: Task, id_: str, name: str, found: Piece | Merged, done: Measured, held: Held | None
) -> Anomaly:
    """Return a defect with its name, its measures and the structure that holds it."""
    mask = found.mask
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
        physical=None if task.scale is None else _on_the_surface(task, done.geometry, mask),
        written=done.written,
    )


def _on_the_surface(task: Task, geometry: Geometry | None, mask: Mask | None) -> Physical | None:
    if task.scale is None or geometry is None or mask is None:
        return None
    measures = physical(geometry, mask, task.scale)
    if measures is None or task.limit is None:
        return measures
    return replace(measures, width_class=width_class(geometry, measures, task.limit))


def keys(frame: Frame, found: Sequence[Piece | Merged]) -> list[str]:
    """Return a key for each object, made of the photograph's content and of what was found where."""
    digest = frame.digest.encode()
    times: dict[bytes, int] = {}
    unique = []
    for each in found:
        x_min, y_min, x_max, y_max = each.box
        tenths = _FOUR.pack(x_min * 10 // 1, y_min * 10 // 1, x_max * 10 // 1, y_max * 10 // 1)
        what = b"%b %b %b" % (digest, each.label.encode(), tenths)
        times[what] = time = times.get(what, 0) + 1
        unique.append(blake2b(b"%b %d" % (what, time), digest_size=6).hexdigest())
    return unique
