"""Findings as pictures, in files: drawn onto the photograph, and as masks alone."""

import io

import cv2
import numpy as np
import simplejpeg
from PIL import Image as Pillow

from anomaly.imaging.draw import annotate, colour_of
from anomaly.types import Findings, Image, PictureForm

QUALITY = 90
"""Of JPEG and WebP, of 100: at 90 a hairline keeps its edge."""

MEDIA_TYPES = {"jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp"}

MOST_SIDE = {"jpeg": 65_500, "png": 2**31 - 1, "webp": 16_383}
"""Pixels of a side that the formats' libraries write: libjpeg's, PNG's own, WebP's 14 bits."""


def annotated(findings: Findings, form: PictureForm) -> bytes:
    """Return the photograph with the findings drawn onto it, as a file.

    One larger than its format can be is made smaller.
    Raises ValueError for findings without their photograph. Takes tens of milliseconds of one core per
    megapixel: call it off the event loop.
    """
    if findings.image is None:
        raise ValueError("the findings came without their photograph: ask with debug")
    picture = annotate(findings.image, findings)
    side, most = max(picture.shape[:2]), min(form.max_side or MOST_SIDE[form.format], MOST_SIDE[form.format])
    if side > most:
        height, width = (max(1, round(each * most / side)) for each in picture.shape[:2])
        picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA).astype(
            np.uint8, copy=False
        )
    return _file(picture, form)


def masks(findings: Findings) -> bytes:
    """Return the masks of all defects in their types' colours on black, as large as the photograph, a PNG.

    Where two overlap the smaller one is on top.
    """
    canvas = np.zeros((findings.height, findings.width, 3), np.uint8)
    for anomaly in sorted(findings.anomalies, key=lambda each: -each.box.area):
        if (mask := anomaly.mask) is not None:
            height, width = mask.bitmap.shape
            canvas[mask.y : mask.y + height, mask.x : mask.x + width][mask.bitmap] = colour_of(
                anomaly.defect_type
            )
    return _file(canvas, PictureForm("png"))


def _file(picture: Image, form: PictureForm) -> bytes:
    if form.format == "jpeg":
        jpeg: bytes = simplejpeg.encode_jpeg(np.ascontiguousarray(picture), quality=QUALITY)
        return jpeg
    out = io.BytesIO()
    options = {"compress_level": 3} if form.format == "png" else {"quality": QUALITY, "method": 2}
    Pillow.fromarray(picture).save(out, form.format, **options)
    return out.getvalue()
