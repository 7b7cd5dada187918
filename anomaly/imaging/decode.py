"""Untrusted bytes -> upright RGB pixels.

The header comes first, which costs microseconds and tells format, size, mode and orientation; only then are
pixels made. simplejpeg reads both of a plain JPEG; of all else, and of a JPEG with notes of a camera, Pillow
reads the header, and the pixels where simplejpeg does not. What is accepted: JPEG (CMYK
and multi-picture files of drones too), PNG, WebP, AVIF, TIFF, BMP, GIF. Of an animation the first
picture counts. Transparency is laid on white, as a browser shows it. Sixteen bits are cut to the
upper eight.
"""

import io

import cv2
import numpy as np
import simplejpeg
from PIL import Image as Pillow
from PIL import UnidentifiedImageError

from anomaly.errors import CorruptImage, TooManyPixels, UnsupportedImage
from anomaly.imaging.jpeg import read_head
from anomaly.types import Image, Limits

FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "TIFF", "BMP", "GIF")

# Pillow's own guard warns at 89 megapixels, which a mosaic of a drone has; ours is stricter and in force.
Pillow.MAX_IMAGE_PIXELS = None

_ORIENTATION_TAG = 0x0112
# EXIF orientation -> what makes the picture upright (EXIF 2.32, 4.6.4 A; 1 is upright already).
_UPRIGHT = {
    2: lambda image: cv2.flip(image, 1),
    3: lambda image: cv2.rotate(image, cv2.ROTATE_180),
    4: lambda image: cv2.flip(image, 0),
    5: lambda image: cv2.transpose(image),
    6: lambda image: cv2.rotate(image, cv2.ROTATE_90_CLOCKWISE),
    7: lambda image: cv2.rotate(cv2.transpose(image), cv2.ROTATE_180),
    8: lambda image: cv2.rotate(image, cv2.ROTATE_90_COUNTERCLOCKWISE),
}


def decode(data: bytes, limits: Limits) -> Image:
    """Return the picture in `data`, upright, (H, W, 3) uint8 RGB, contiguous.

    Raises `UnsupportedImage` where it is no picture of a kind that is read, `TooManyPixels` by what
    the header says, before anything is decoded, and `CorruptImage` where the file breaks off.
    """
    image = decode_plain(data, limits)
    return decode_other(data, limits) if image is None else image


def decode_plain(data: bytes, limits: Limits) -> Image | None:
    """Decode what most photographs are, without Pillow; None for what needs a closer look, or is broken.

    That is what is no JPEG in colour or grey, and what holds notes that may turn it. Raises `TooManyPixels`.
    """
    if read_head(data).notes:
        return None
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(data)
        if colours not in ("YCbCr", "RGB", "Gray"):
            return None
        _check_size(width, height, limits)
        decoded: Image = simplejpeg.decode_jpeg(data, colorspace="RGB")
    except ValueError:
        return None
    return decoded


def decode_other(data: bytes, limits: Limits) -> Image:
    """Decode as `decode` does, what `decode_plain` does not."""
    try:
        picture = Pillow.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        raise UnsupportedImage(
            "the bytes are not a picture that can be read; send JPEG, PNG, WebP, AVIF, TIFF, BMP or GIF"
        ) from None
    except Exception as error:  # a broken header makes Pillow raise almost anything
        raise CorruptImage(
            f"the picture's header is broken ({type(error).__name__}); send it again"
        ) from error
    _check_size(*picture.size, limits)
    image = _pixels(data, picture)
    # After the pixels: a PNG may carry its orientation behind them, and Pillow decodes it all to look.
    upright = _UPRIGHT.get(_orientation(picture))
    return image if upright is None else np.ascontiguousarray(upright(image))


def _check_size(width: int, height: int, limits: Limits) -> None:
    if width * height > limits.max_pixels:
        raise TooManyPixels(
            f"the picture has {width} x {height} = {width * height / 1e6:.1f} megapixels and the limit is"
            f" {limits.max_pixels / 1e6:.1f}; send a smaller one or cut it"
        )


def _orientation(picture: Pillow.Image) -> int:
    try:
        return int(picture.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:  # a picture is worth more than the broken notes beside it
        return 1


def _pixels(data: bytes, picture: Pillow.Image) -> Image:
    if picture.format in ("JPEG", "MPO") and picture.mode in ("RGB", "L"):
        try:
            decoded: Image = simplejpeg.decode_jpeg(data, colorspace="RGB")
            return decoded
        except ValueError:
            pass  # it refuses harmless oddities too; Pillow knows them from a file that breaks off
    try:
        picture.load()
        return _rgb(picture)
    except UnsupportedImage:
        raise
    except Exception as error:  # decoders of untrusted bytes raise OSError, SyntaxError, ValueError, ...
        raise CorruptImage(
            f"the {picture.format} file breaks off or is damaged; send the whole file again"
        ) from error


def _rgb(picture: Pillow.Image) -> Image:
    if picture.mode.startswith("I;16"):
        grey = (np.asarray(picture).astype(np.uint16) >> 8).astype(np.uint8)
        return np.ascontiguousarray(np.broadcast_to(grey[:, :, None], (*grey.shape, 3)))
    if picture.mode in ("I", "F"):
        raise UnsupportedImage("the picture has 32 bits a sample; convert it to 8 or 16 bits")
    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        white = Pillow.new("RGBA", layer.size, "white")
        picture = Pillow.alpha_composite(white, layer)
    return np.array(picture.convert("RGB"))
