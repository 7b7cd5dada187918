import cv2
import numpy as np
import pytest

from anomaly.report import pictures
from anomaly.types import Findings, PictureForm


@pytest.mark.parametrize("form", [PictureForm("webp"), PictureForm("webp", 16_384), PictureForm("jpeg")])
def test_a_picture_larger_than_its_format_is_made_smaller(form: PictureForm) -> None:
    """A long strip of a tunnel is answered all the same, in its shape."""
    side = pictures.MOST_SIDE[form.format] + 500
    strip = np.full((32, side, 3), 128, np.uint8)
    file = pictures.annotated(Findings("a", side, 32, image=strip), form)
    height, width = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR).shape[:2]
    assert width == pictures.MOST_SIDE[form.format]
    assert height in (31, 32)
