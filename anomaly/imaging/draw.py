"""The annotated picture: what was found, drawn onto the photograph."""

import colorsys
import zlib
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from anomaly.types import Anomaly, Box, Findings, Image, Mask, Structure

Colour = tuple[int, int, int]
"""RGB, 0..255."""

_COLOURS: dict[str, Colour] = {
    "crack": (255, 45, 85),
    "alligator_crack": (255, 85, 165),
    "spalling": (255, 159, 10),
    "delamination": (255, 214, 10),
    "corrosion": (214, 86, 32),
    "exposed_rebar": (191, 90, 242),
    "efflorescence": (50, 215, 235),
    "leakage": (48, 136, 255),
    "vegetation": (72, 199, 92),
}
_STRUCTURE: Colour = (235, 235, 235)
_OPACITY = 0.42
_STEP = 4  # bits of sub-pixel positions in cv2's drawing


@dataclass(frozen=True, slots=True)
class _Pen:
    """How large things are drawn on a photograph, pixels: what is legible on it shown whole."""

    line: int
    text: int
    pad: int
    face: cv2.FontFace

    @classmethod
    def for_size(cls, width: int, height: int) -> "_Pen":
        side = (width * height) ** 0.5
        text = max(11, round(side / 62))
        return cls(max(1, round(side / 800)), text, max(3, round(text * 0.36)), cv2.FontFace("sans"))


@dataclass(frozen=True, slots=True)
class _Label:
    """Text in a plate: `title` in bold and `measures`, perhaps empty, below it. Sizes in pixels."""

    title: str
    measures: str
    width: int
    height: int


def annotate(image: Image, findings: Findings) -> Image:
    """Return a copy of `image`, (H, W, 3) uint8 RGB, with `findings` drawn onto it.

    Masks are translucent, in a colour per type of defect, with their outlines; cracks have their centre
    line; each defect has its box and a label: type, confidence, length and width (in millimetres
    where the scale is known). Structures have a thin grey box. Everything grows with the photograph.
    """
    canvas = image.copy()
    height, width = canvas.shape[:2]
    pen = _Pen.for_size(width, height)
    for structure in findings.structures:
        _brackets(canvas, structure.box, pen.line)
    anomalies = sorted(findings.anomalies, key=lambda each: -each.box.area)  # small ones on top
    for anomaly in anomalies:
        if anomaly.mask is not None:
            _mask(canvas, anomaly.mask, colour_of(anomaly.defect_type), pen)
    for anomaly in anomalies:
        _box(canvas, anomaly.box, colour_of(anomaly.defect_type), pen.line)
        _centre_lines(canvas, anomaly, pen)
    taken: list[Box] = []
    for anomaly in sorted(anomalies, key=lambda each: -each.combined_score):
        plate = _label(*caption(anomaly), pen, width, height)
        _plate(canvas, plate, anomaly.box, colour_of(anomaly.defect_type), pen, taken)
    for structure in findings.structures:
        plate = _label(_structure_title(structure), "", pen, width, height)
        _plate(canvas, plate, structure.box, _STRUCTURE, pen, taken)
    return canvas


def caption(anomaly: Anomaly) -> tuple[str, str]:
    """Return what the label of a defect says: its type and confidence, and its measures, perhaps none."""
    title = f"{anomaly.defect_type.replace('_', ' ')}  {anomaly.combined_score:.2f}"
    physical, geometry = anomaly.physical, anomaly.geometry
    parts = []
    if physical is not None:
        parts.append(f"L {_rounded(physical.length_mm)} mm")
        if physical.width_mm is not None:
            parts.append(f"W {_rounded(physical.width_mm)} mm")
    elif geometry is not None:
        parts.append(f"L {geometry.length_pixels:.0f} px")
        if geometry.width_pixels is not None:
            parts.append(f"W {geometry.width_pixels:.1f} px")
    return title, "   ".join(parts)


def colour_of(defect_type: str) -> Colour:
    """Return the colour of a type of defect, RGB; the same for the same name, whatever it is."""
    if defect_type in _COLOURS:
        return _COLOURS[defect_type]
    hue = zlib.crc32(defect_type.encode()) % 360 / 360
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.72, 0.98)
    return round(red * 255), round(green * 255), round(blue * 255)


def _mask(canvas: Image, mask: Mask, colour: Colour, pen: _Pen) -> None:
    height, width = canvas.shape[:2]
    rows, columns = mask.bitmap.shape
    x0, y0, x1, y1 = max(mask.x, 0), max(mask.y, 0), min(mask.x + columns, width), min(mask.y + rows, height)
    bitmap = mask.bitmap[y0 - mask.y : y1 - mask.y, x0 - mask.x : x1 - mask.x]
    if x1 <= x0 or y1 <= y0 or not bitmap.any():
        return
    crop = canvas[y0:y1, x0:x1]
    pixels = crop[bitmap]
    crop[bitmap] = np.asarray(
        cv2.addWeighted(pixels, 1 - _OPACITY, np.full_like(pixels, colour), _OPACITY, 0)
    )
    outlines, _ = cv2.findContours(bitmap.view(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(crop, outlines, -1, colour, max(1, pen.line // 2), cv2.LINE_AA)


def _centre_lines(canvas: Image, anomaly: Anomaly, pen: _Pen) -> None:
    if anomaly.geometry is None or anomaly.geometry.kind != "line":
        return
    for line in anomaly.geometry.centre_lines:
        points = np.rint(line * (1 << _STEP)).astype(np.int32)
        cv2.polylines(canvas, [points], False, (255, 255, 255), max(1, pen.line // 2), cv2.LINE_AA, _STEP)


def _box(canvas: Image, box: Box, colour: Colour, line: int) -> None:
    """Draw a box with a dark edge of its own colour, which sets it off from a bright ground."""
    (left, top), (right, bottom) = _corners(box)
    cv2.rectangle(canvas, (left - line, top - line), (right + line, bottom + line), _shade(colour), line)
    cv2.rectangle(canvas, (left, top), (right, bottom), colour, line + 1)


def _brackets(canvas: Image, box: Box, line: int) -> None:
    """Mark only the corners: a structure is the ground of the picture, not its subject."""
    (left, top), (right, bottom) = _corners(box)
    arm = max(3 * line, min(right - left, bottom - top) // 10)
    for x, inwards in ((left, arm), (right, -arm)):
        for y, downwards in ((top, arm), (bottom, -arm)):
            corner = np.array([[x + inwards, y], [x, y], [x, y + downwards]], np.int32)
            for ink, breadth in ((_shade(_STRUCTURE), line + 2), (_STRUCTURE, line)):
                cv2.polylines(canvas, [corner], False, ink, breadth, cv2.LINE_AA)


def _corners(box: Box) -> tuple[tuple[int, int], tuple[int, int]]:
    return (round(box.x_min), round(box.y_min)), (round(box.x_max - 1), round(box.y_max - 1))


def _shade(colour: Colour) -> Colour:
    red, green, blue = (value * 3 // 10 for value in colour)
    return red, green, blue


def _structure_title(structure: Structure) -> str:
    return f"{structure.structure_type.replace('_', ' ')}  {structure.score:.2f}"


def _rounded(value_mm: float) -> str:
    """Two decimals under 10 mm, where a crack's class is decided; none over 100."""
    return f"{value_mm:.{2 if value_mm < 10 else 1 if value_mm < 100 else 0}f}"


def _label(title: str, measures: str, pen: _Pen, width: int, height: int) -> _Label:
    small = _small(pen)
    widths = [
        _text_width(title, pen, pen.text, 650),
        _text_width(measures, pen, small, 450) if measures else 0,
    ]
    lines = pen.text + (round(small * 1.25) if measures else 0)
    return _Label(title, measures, min(max(widths) + 2 * pen.pad, width), min(lines + 2 * pen.pad, height))


def _small(pen: _Pen) -> int:
    return max(10, round(pen.text * 0.84))


def _text_width(text: str, pen: _Pen, size: int, weight: int) -> int:
    x, _, width, _ = cv2.getTextSize((1 << 15, 1 << 10), text, (0, 0), pen.face, size, weight)
    return x + width


def _plate(canvas: Image, label: _Label, box: Box, colour: Colour, pen: _Pen, taken: list[Box]) -> None:
    x, y = _place(label, box, canvas.shape[1], canvas.shape[0], taken)
    plate = canvas[y : y + label.height, x : x + label.width]
    radius = min(pen.pad, label.height // 2, label.width // 2)
    shape = _rounded_plate(label.height, label.width, radius)
    tinted = cv2.addWeighted(plate, 0.12, np.full_like(plate, colour), 0.88, 0)
    plate[shape] = np.asarray(tinted)[shape]
    ink = (0, 0, 0) if _luminance(colour) > 0.3 else (255, 255, 255)
    baseline = y + pen.pad + round(pen.text * 0.82)
    cv2.putText(canvas, label.title, (x + pen.pad, baseline), ink, pen.face, pen.text, 650)
    if label.measures:
        small = _small(pen)
        cv2.putText(
            canvas, label.measures, (x + pen.pad, baseline + round(small * 1.25)), ink, pen.face, small, 450
        )


def _rounded_plate(height: int, width: int, radius: int) -> NDArray[np.bool_]:
    y, x = np.ogrid[:height, :width]
    dx = np.maximum(radius - x, x - (width - 1 - radius)).clip(0)
    dy = np.maximum(radius - y, y - (height - 1 - radius)).clip(0)
    return np.asarray(dx * dx + dy * dy <= radius * radius)


def _place(label: _Label, box: Box, width: int, height: int, taken: list[Box]) -> tuple[int, int]:
    """Choose where a plate covers least of other plates: above the box, below it, or at its corners."""
    left, right = box.x_min, box.x_max - label.width
    above, below = box.y_min - label.height - 1, box.y_max + 1
    inside_top, inside_bottom = box.y_min + 1, box.y_max - label.height - 1
    candidates = [
        (x, y) for y in (above, below, inside_top, inside_bottom) for x in (left, (left + right) / 2, right)
    ]
    candidates += [(box.x_max + 1, box.y_min), (box.x_min - label.width - 1, box.y_min)]
    best, least = Box(0, 0, label.width, label.height), float("inf")
    for order, (x, y) in enumerate(candidates):
        x, y = min(max(x, 0), width - label.width), min(max(y, 0), height - label.height)
        spot = Box(float(int(x)), float(int(y)), float(int(x) + label.width), float(int(y) + label.height))
        cost = sum(_overlap(spot, other) for other in taken) + order * 1e-3 * label.width * label.height
        cost += 0.2 * _overlap(spot, box)
        if cost < least:
            best, least = spot, cost
    taken.append(best)
    return int(best.x_min), int(best.y_min)


def _overlap(one: Box, two: Box) -> float:
    wide = min(one.x_max, two.x_max) - max(one.x_min, two.x_min)
    high = min(one.y_max, two.y_max) - max(one.y_min, two.y_min)
    return wide * high if wide > 0 and high > 0 else 0.0


def _luminance(colour: Colour) -> float:
    """Relative luminance, 0..1 (WCAG 2.1)."""
    linear = [float((value / 255) ** 2.2) for value in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
