"""What is sent back for a job, to the byte."""

import math

import orjson
import pytest

from anomaly.errors import AnswerTooLarge, InvalidRequest
from anomaly.serving.handling import results
from anomaly.serving.handling.results import Written
from anomaly.types import MaskFormat, Options

POLYGONS = Options(include_masks=True, mask_format=MaskFormat.POLYGON)


def sized(sizes: dict[MaskFormat, int], options: Options) -> str:
    """Return a text whose JSON has as many bytes as `sizes` say for the form of the masks."""
    return "x" * (sizes[options.mask_format] - 2)


def test_an_answer_that_fits_is_sent_as_it_was_asked_for() -> None:
    """The first step of the ladder changes nothing."""
    written = results.write(lambda options: {"form": options.mask_format}, POLYGONS)
    assert orjson.loads(written.json) == {"form": "polygon"}


def test_an_answer_that_is_too_large_has_its_masks_as_rle() -> None:
    """The second step writes the same masks in their smallest form."""
    sizes = {MaskFormat.POLYGON: 2000, MaskFormat.RLE: 500}
    written = results.write(lambda options: sized(sizes, options), POLYGONS, most_bytes=1000)
    assert len(written.json) == 500


def test_an_answer_that_fits_in_no_form_is_a_clear_error() -> None:
    """The last step says how large it is, what the limit is, and what to do."""
    with pytest.raises(AnswerTooLarge, match=r"25\.0 MB and RunPod takes 20; send fewer photos"):
        results.write(lambda options: "x" * 25_000_000, POLYGONS)
    with pytest.raises(AnswerTooLarge):
        results.write(lambda options: "x" * 25_000_000, Options())


@pytest.mark.parametrize("stop", [False, True])
def test_the_body_is_never_over_the_limit(stop: bool) -> None:
    """What stands around the output is counted too: the largest answer that is written fits."""
    most = next(
        size for size in range(1000, 0, -1) if fits(size, 1000)
    )  # the largest text that is not refused
    body = results.body({"output": results.write(lambda _: "x" * most, Options(), 1000)}, stop=stop)
    assert 900 < len(body) <= 1000


def fits(size: int, most_bytes: int) -> bool:
    """Return whether a text of `size` characters is written."""
    try:
        results.write(lambda _: "x" * size, Options(), most_bytes)
    except AnswerTooLarge:
        return False
    return True


def test_what_is_no_number_is_null() -> None:
    """NaN and infinities are not JSON, and a platform that cannot read a result forgets it."""
    written = results.write(lambda _: {"width": math.nan, "length": math.inf}, Options())
    assert orjson.loads(written.json) == {"width": None, "length": None}


@pytest.mark.parametrize(
    ("result", "stop", "sent"),
    [
        ({"output": Written(b"[1]")}, False, {"output": [1]}),
        ({"output": Written(b"[1]")}, True, {"output": [1], "stopPod": True}),
        ({"error": "why"}, False, {"error": "why"}),
        ({"error": "why"}, True, {"error": "why", "stopPod": True}),
        ({"output": False}, False, {"output": False}),
    ],
)
def test_a_body_is_what_the_platform_reads(result: dict[str, object], stop: bool, sent: object) -> None:
    """An output or an error, and the word that ends the worker."""
    assert orjson.loads(results.body(result, stop=stop)) == sent


def test_an_error_is_a_string_that_is_never_empty() -> None:
    """RunPod takes an empty or structured error for none at all."""
    answer = results.error(InvalidRequest("image is missing"))
    assert isinstance(answer["error"], str)
    assert orjson.loads(answer["error"]) == {
        "error": {"code": "invalid_request", "message": "image is missing"}
    }


def test_a_result_does_not_show_in_a_log() -> None:
    """The SDK formats what a handler returns: the customer's findings are not in it, and it costs nothing."""
    assert "secret" not in repr(Written(b'"secret"'))
