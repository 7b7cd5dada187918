import io

import numpy as np
import pytest
from PIL import Image as Pillow

from anomaly.errors import CorruptImage, TooManyPixels, UnsupportedImage
from anomaly.imaging.decode import decode
from anomaly.types import Limits
from tests.pictures import encoded, gradient, png_header

LIMITS = Limits()


@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF", "BMP"])
def test_lossless_formats_come_back_pixel_for_pixel(form: str) -> None:
    """A picture in a lossless format decodes to exactly its pixels."""
    options = {"lossless": True} if form == "WEBP" else {}
    np.testing.assert_array_equal(decode(encoded(form=form, **options), LIMITS), gradient())


@pytest.mark.parametrize("form", ["JPEG", "AVIF", "GIF"])
def test_lossy_formats_come_back_nearly(form: str) -> None:
    """A picture in a lossy format decodes to nearly its pixels."""
    image = decode(encoded(form=form), LIMITS).astype(int)
    assert image.shape == (48, 64, 3)
    assert np.abs(image - gradient()).mean() < 12


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "1", "YCbCr"])
def test_every_colour_mode_becomes_rgb(mode: str) -> None:
    """Grey, palette, CMYK, bilevel and YCbCr pictures decode to contiguous RGB of the same size."""
    form = {"CMYK": "JPEG", "YCbCr": "JPEG"}.get(mode, "PNG")
    image = decode(encoded(form=form, mode=mode), LIMITS)
    assert image.shape == (48, 64, 3)
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous


def test_cmyk_keeps_its_colours() -> None:
    """A CMYK picture comes out in the colours it shows, not inverted."""
    red = np.zeros((16, 16, 3), np.uint8)
    red[..., 0] = 250
    image = decode(encoded(red, "JPEG", "CMYK"), LIMITS).astype(int)
    assert np.abs(image - red).max() < 12


def test_grey_jpeg_has_three_equal_channels() -> None:
    """A grey JPEG decodes to three equal channels."""
    image = decode(encoded(form="JPEG", mode="L"), LIMITS)
    np.testing.assert_array_equal(image[..., 0], image[..., 2])


def test_sixteen_bits_are_cut_to_the_upper_eight() -> None:
    """A 16-bit grey PNG keeps its brightness."""
    deep = (np.arange(64 * 48, dtype=np.uint32).reshape(48, 64) * 21).astype(np.uint16)
    buffer = io.BytesIO()
    Pillow.fromarray(deep).save(buffer, "PNG")
    image = decode(buffer.getvalue(), LIMITS)
    np.testing.assert_array_equal(image[..., 1], (deep >> 8).astype(np.uint8))
    assert image.flags.c_contiguous


def test_thirty_two_bits_are_refused() -> None:
    """A picture with floating-point samples is refused with a sentence that says what to do."""
    buffer = io.BytesIO()
    Pillow.fromarray(np.ones((4, 4), np.float32)).save(buffer, "TIFF")
    with pytest.raises(UnsupportedImage, match="convert it to 8 or 16 bits"):
        decode(buffer.getvalue(), LIMITS)


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_transparency_is_laid_on_white(form: str) -> None:
    """What is wholly transparent comes out white, and what is opaque keeps its colour."""
    layer = np.zeros((8, 8, 4), np.uint8)
    layer[:, 4:] = (200, 10, 20, 255)
    buffer = io.BytesIO()
    Pillow.fromarray(layer).save(buffer, form, lossless=True)
    image = decode(buffer.getvalue(), LIMITS)
    assert (image[:, :4] == 255).all()
    assert (image[:, 4:] == (200, 10, 20)).all()


def test_an_animation_gives_its_first_picture() -> None:
    """Of an animated picture the first frame is taken."""
    frames = [Pillow.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    buffer = io.BytesIO()
    frames[0].save(buffer, "PNG", save_all=True, append_images=frames[1:])
    assert (decode(buffer.getvalue(), LIMITS) == (255, 0, 0)).all()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_exif_orientation_is_applied(orientation: int, form: str) -> None:
    """A picture stored in any of the eight orientations comes out upright."""
    stored = gradient(40, 24)
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    data = encoded(stored, form, exif=exif)
    with Pillow.open(io.BytesIO(data)) as picture:
        from PIL import ImageOps

        expected = np.asarray(ImageOps.exif_transpose(picture)).astype(int)
    image = decode(data, LIMITS)
    assert image.flags.c_contiguous
    assert image.shape == expected.shape
    assert np.abs(image.astype(int) - expected).max() <= 3


def test_one_pixel_is_a_picture() -> None:
    """A 1x1 picture decodes."""
    assert decode(encoded(gradient(1, 1)), LIMITS).shape == (1, 1, 3)


@pytest.mark.parametrize("data", [b"hello", b"\x00" * 100, b"<svg></svg>", b"%PDF-1.7"])
def test_what_is_no_picture_is_unsupported(data: bytes) -> None:
    """Bytes of another kind are refused with the kinds that are read."""
    with pytest.raises(UnsupportedImage, match="JPEG, PNG, WebP"):
        decode(data, LIMITS)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "GIF"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_file_that_breaks_off_is_corrupt(form: str, share: float) -> None:
    """A truncated file is never answered as if it were whole."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    data = encoded(noise, form)
    with pytest.raises(CorruptImage):
        decode(data[: int(len(data) * share)], LIMITS)


def test_pixels_are_counted_before_decoding() -> None:
    """A header that claims a billion pixels is refused at once, though no pixel follows."""
    with pytest.raises(TooManyPixels, match=r"40000 x 30000 = 1200\.0 megapixels and the limit is 100\.0"):
        decode(png_header(40_000, 30_000), LIMITS)


def test_the_pixel_limit_is_the_callers() -> None:
    """A picture at the limit passes, one pixel more does not."""
    decode(encoded(gradient(10, 10)), Limits(max_pixels=100))
    with pytest.raises(TooManyPixels):
        decode(encoded(gradient(10, 10)), Limits(max_pixels=99))
