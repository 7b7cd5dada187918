"""What the embedded network sees of a photograph. Its trainer uses this very file."""

import cv2
import numpy as np
from numpy.typing import NDArray

from anomaly.types import Image

CHANNELS = 4
"""Grey made even, then red, green and blue as they are."""

WINDOW_PIXELS = 61
"""Side of the square over which brightness and contrast are made even: wide against a crack, narrow
against a shadow."""

QUIET_GREY_LEVELS = 6.0
"""Added to the local contrast, so that the noise of a blank wall is not blown up into texture."""


def planes(image: Image) -> NDArray[np.float32]:
    """Return the network's input for a photograph: (4, H, W) float32, each plane within about -4..4."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    window = (WINDOW_PIXELS, WINDOW_PIXELS)
    mean = cv2.boxFilter(grey, -1, window)
    spread = cv2.sqrBoxFilter(grey, cv2.CV_32F, window) - mean * mean
    contrast = np.sqrt(np.maximum(spread, 0)) + np.float32(QUIET_GREY_LEVELS)
    result = np.empty((CHANNELS, *grey.shape), np.float32)
    np.clip((grey - mean) / contrast, -4, 4, out=result[0])
    for channel in range(3):
        np.multiply(image[..., channel], np.float32(1 / 128), out=result[channel + 1], casting="unsafe")
    result[1:] -= 1
    return result
