"""Labelled photographs on the local disk, for measuring only: nothing of them is shipped or trained on.

A data folder holds any of: `pavement/images/*.jpg` with `pavement/masks/*.png` (crack where over 127);
`walls/images/*.jpg` with `walls/masks/*.png` (palette: 0 background, 1 crack, 2 spalling);
`bridge/*/images/*.jpg` with `bridge/*/labels/*.txt` (YOLO boxes, named by `bridge/classes.yaml`).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pictures

from anomaly.types import Bitmap, Box, Image


@dataclass(frozen=True, slots=True)
class Labelled:
    """A photograph, (H, W, 3) uint8 RGB, and what a person marked: cracks, (H, W) bool, or boxes of cracks."""

    image: Image
    crack: Bitmap
    boxes: tuple[Box, ...] = ()


def pavement(data: Path) -> Iterator[Labelled]:
    """Close-ups of cracked pavement with the outline of every crack."""
    for photo, marks in _pairs(data / "pavement", ".png"):
        yield Labelled(_read(photo), np.asarray(_palette(marks) > 127))


def walls(data: Path) -> Iterator[Labelled]:
    """Walls and columns, with coarse regions of cracks."""
    for photo, marks in _pairs(data / "walls", ".png"):
        yield Labelled(_read(photo), np.asarray(_palette(marks) == 1))


def bridges(data: Path) -> Iterator[Labelled]:
    """Photographs of bridge inspections, with boxes round some cracks; not every crack has one."""
    names = data / "bridge" / "classes.yaml"
    if not names.is_file():
        return
    listed = re.search(r"names:\s*\[(.*?)\]", names.read_text())
    crack = [each.strip(" '\"") for each in listed[1].split(",")].index("crack") if listed else -1
    for part in sorted((data / "bridge").iterdir()):
        for photo, labels in _pairs(part, ".txt"):
            image = _read(photo)
            yield Labelled(image, np.zeros(image.shape[:2], np.bool_), _boxes(labels, crack, image))


def _boxes(labels: Path, wanted: int, image: Image) -> tuple[Box, ...]:
    height, width = image.shape[:2]
    boxes = []
    for line in labels.read_text().splitlines():
        number, *rest = line.split()
        if int(number) == wanted:
            x, y, w, h = (float(each) for each in rest[:4])
            boxes.append(
                Box((x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height)
            )
    return tuple(boxes)


def _pairs(folder: Path, suffix: str) -> Iterator[tuple[Path, Path]]:
    labels = next((folder / each for each in ("masks", "labels") if (folder / each).is_dir()), None)
    for photo in sorted((folder / "images").glob("*.jpg")) if labels else ():
        marks = labels / (photo.stem + suffix)
        if marks.is_file():
            yield photo, marks


def _read(path: Path) -> Image:
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if pixels is None:
        raise SystemExit(f"{path.name} in {path.parent} is not a picture that can be read")
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)


def _palette(path: Path) -> NDArray[np.uint8]:
    with Pictures.open(path) as picture:
        values = np.array(picture)
    return values if values.ndim == 2 else np.asarray(values[..., 0])
