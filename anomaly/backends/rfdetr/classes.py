"""Which output of the network's head means which class."""

from dataclasses import dataclass

from anomaly.backends.rfdetr.checkpoint import Checkpoint
from anomaly.errors import WeightsError

_COCO_SLOTS = 90  # COCO numbers its 80 classes from 1 to 90, with gaps


@dataclass(frozen=True, slots=True)
class Classes:
    """`columns[i]` is the column of the class logits that stands for `names[i]`.

    Columns that mean nothing (the background, the gaps in COCO's numbering) are not among them.
    """

    names: tuple[str, ...]
    columns: tuple[int, ...]
    note: str = ""


def of(checkpoint: Checkpoint, num_classes: int | None) -> Classes:
    """Return the classes of a checkpoint; `num_classes` is how many the operator expects, None for any.

    A file without names is COCO's if its head has COCO's 90 slots; else its classes are called class_0,
    class_1, ... and the note says so. Raises `WeightsError` where the file's names do not fit its head,
    or where the operator expects another number.
    """
    from rfdetr.assets.coco_classes import COCO_CLASSES

    coco = tuple(COCO_CLASSES.values())
    names, slots = checkpoint.names, checkpoint.slots
    if slots == _COCO_SLOTS and names in ((), coco):
        classes = Classes(coco, tuple(COCO_CLASSES))
    elif not names:
        note = f"{checkpoint.file} stores no class names, so they are class_0 to class_{slots - 1}"
        classes = Classes(tuple(f"class_{i}" for i in range(slots)), tuple(range(slots)), note)
    elif len(names) != slots:
        raise WeightsError(
            f"{checkpoint.file} contradicts itself: it names {len(names)} classes ({_some(names)}), "
            f"but its head has {slots}. Train it again with num_classes={len(names)}, "
            "or correct its class_names."
        )
    else:
        classes = Classes(names, tuple(range(slots)))
    if num_classes is not None and num_classes not in (len(classes.names), slots):
        raise WeightsError(
            f"{checkpoint.file} has {len(classes.names)} classes ({_some(classes.names)}), but "
            f"DETECTOR_NUM_CLASSES={num_classes}; set DETECTOR_NUM_CLASSES={len(classes.names)}, or unset it."
        )
    return classes


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
