import math
from typing import Any

import pytest

from anomaly.errors import InvalidRequest, TooManyImages
from anomaly.types import Camera, Limits, Marker, MaskFormat, Options, ScaleRequest, Tiles
from anomaly.wire import request as wire

LIMITS = Limits(max_images=3)


def test_the_least_request_takes_the_servers_defaults() -> None:
    """An image alone is a request; the threshold is the server's."""
    parsed = wire.parse_detect({"image": "QUJD"})
    assert parsed.options(0.4) == Options(confidence_threshold=0.4)
    [photo] = parsed.photos()
    assert (photo.source, photo.frame_id) == ("QUJD", None)


def test_options_left_out_are_their_defaults_spelled_out() -> None:
    """A request that names no option has those of one that names each by its default, for any threshold."""
    plain = wire.parse_file({})
    spelled = wire.parse_file({"include_masks": "false", "tiling": "auto"})
    for threshold in (0.3, 0.5, 0.3):
        assert plain.options(threshold) == spelled.options(threshold)
        assert plain.options(threshold).confidence_threshold == threshold


def test_every_option_is_carried() -> None:
    """What is asked for reaches the pipeline."""
    parsed = wire.parse_detect(
        {
            "image": "QUJD",
            "frame_id": "a",
            "confidence_threshold": 0,
            "include_masks": True,
            "mask_format": "png",
        }
    )
    options = parsed.options(0.4)
    assert (options.confidence_threshold, options.include_masks, options.mask_format) == (
        0,
        True,
        MaskFormat.PNG,
    )
    assert parsed.photos()[0].frame_id == "a"


def test_the_image_may_be_called_image_base64() -> None:
    """The longer name of the field is understood too."""
    assert wire.parse_detect({"image_base64": "QUJD"}).photos()[0].source == "QUJD"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("confidence_threshold", -0.1),
        ("confidence_threshold", 1.1),
        ("confidence_threshold", math.nan),
        ("confidence_threshold", math.inf),
        ("confidence_threshold", "0.5"),
        ("confidence_threshold", True),
        ("confidence_threshold", [0.5]),
        ("include_masks", "yes"),
        ("include_masks", 1),
        ("mask_format", "bitmap"),
        ("mask_format", None),
        ("frame_id", 7),
        ("frame_id", ""),
        ("frame_id", "x" * 257),
    ],
)
def test_a_wrong_value_is_named_with_its_field(field: str, value: object) -> None:
    """A value of the wrong type or out of range is refused, and the sentence names the field."""
    with pytest.raises(InvalidRequest, match=f"^{field}: .*; got "):
        wire.parse_detect({"image": "QUJD", field: value})


def test_tiles_and_scale_are_carried() -> None:
    """Tiles, a camera, a marker and a standard reach the pipeline as values."""
    options = wire.parse_detect(
        {
            "image": "QUJD",
            "tiling": {"tile": 512, "overlap": 64},
            "camera": {"distance_mm": 2000, "focal_length_mm": 24.0},
            "standard": "EC2",
            "exposure": "XC3",
        }
    ).options(0.3)
    assert options.tiling == Tiles(512, 64)
    assert options.scale == ScaleRequest(camera=Camera(None, 24.0, 2000))
    assert (options.standard, options.exposure) == ("EC2", "XC3")
    marker = {"dictionary": "DICT_4X4_50", "size_mm": 100}
    options = wire.parse_detect({"image": "QUJD", "marker": marker, "tiling": "off"}).options(0.3)
    assert options.scale == ScaleRequest(marker=Marker("DICT_4X4_50", 100))
    assert options.tiling == "off"


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"mm_per_pixel": 0.5, "camera": {}}, "more than once"),
        ({"mm_per_pixel": 0}, "mm_per_pixel"),
        ({"mm_per_pixel": math.inf}, "mm_per_pixel"),
        ({"camera": {"distance": 3}}, "camera.distance is not a field"),
        ({"marker": {"dictionary": "DICT_4X4_50"}}, "marker.size_mm is missing"),
        ({"tiling": "sometimes"}, "tiling"),
        ({"tiling": {"tile": "big"}}, "tiling"),
        ({"standard": "EC2", "mm_per_pixel": 1.0}, "go together"),
        ({"standard": "EC2", "exposure": "XC3"}, "needs a scale"),
    ],
)
def test_wrong_tiles_and_scales_are_refused(fields: dict[str, Any], match: str) -> None:
    """A scale that is said twice, or wrongly, and a class without a scale are refused with a sentence."""
    with pytest.raises(InvalidRequest, match=match):
        wire.parse_detect({"image": "QUJD", **fields})


def test_a_query_carries_parts_as_json() -> None:
    """What has parts of its own comes as JSON text in a query or a form."""
    options = wire.parse_file({"tiling": '{"tile": 512}', "mm_per_pixel": "0.5"}).options(0.3)
    assert options.tiling == Tiles(512, 0)
    assert options.scale == ScaleRequest(mm_per_pixel=0.5)


def test_an_unknown_field_is_refused_with_the_known_ones() -> None:
    """A misspelt option is never ignored in silence."""
    with pytest.raises(InvalidRequest, match=r"confidence_treshold is not a field; .*confidence_threshold"):
        wire.parse_detect({"image": "QUJD", "confidence_treshold": 0.5})


@pytest.mark.parametrize("value", [None, [], "image", 3, [{"image": "QUJD"}]])
def test_a_request_is_an_object(value: object) -> None:
    """Anything but an object is refused with the fields that an object would have."""
    with pytest.raises(InvalidRequest, match="expected an object with the fields"):
        wire.parse_input(value, LIMITS)


def test_a_request_without_an_image_says_so() -> None:
    """A missing image is named."""
    with pytest.raises(InvalidRequest, match="image is missing"):
        wire.parse_input({}, LIMITS)


def test_a_long_wrong_value_is_not_repeated_whole() -> None:
    """The sentence quotes little of what was sent."""
    with pytest.raises(InvalidRequest) as refused:
        wire.parse_detect({"image": "QUJD", "mask_format": "x" * 100_000})
    assert len(str(refused.value)) < 300


def test_a_batch_keeps_order_and_ids() -> None:
    """Photos come in order, each with its id where one was given."""
    parsed = wire.parse_input({"images": ["A", "B", "C"], "frame_ids": ["a", None]}, LIMITS)
    assert isinstance(parsed, wire.BatchRequest)
    assert [(photo.source, photo.frame_id) for photo in parsed.photos()] == [
        ("A", "a"),
        ("B", None),
        ("C", None),
    ]


def test_a_wrong_image_in_a_batch_passes_to_its_own_slot() -> None:
    """A slot of the wrong type does not refuse the others: it fails when it is decoded."""
    assert [photo.source for photo in wire.parse_batch({"images": ["A", 7]}, LIMITS).photos()] == ["A", 7]


@pytest.mark.parametrize(
    ("value", "match"),
    [
        ({"images": []}, "images: "),
        ({"images": "A"}, "images: "),
        ({"images": None}, "images is missing"),
        ({"images": ["A"], "image_urls": ["https://a"]}, "give one of them"),
        ({"image_urls": []}, "image_urls: "),
        ({"image_urls": ["ftp://a"]}, "image_urls.0"),
        ({"images": ["A"], "frame_ids": ["a", "b"]}, "2 frame_ids for 1 images"),
        ({"images": ["A"], "frame_ids": "a"}, "frame_ids: "),
        ({"images": ["A"], "frame_ids": [1]}, "frame_ids.0"),
        ({"images": ["A"], "image": "A"}, "image is not a field"),
    ],
)
def test_a_wrong_batch_is_refused(value: dict[str, Any], match: str) -> None:
    """An empty batch, wrong types, or more ids than images are refused with a sentence."""
    with pytest.raises(InvalidRequest, match=match):
        wire.parse_batch(value, LIMITS)


def test_too_many_images_are_refused_with_the_limit() -> None:
    """A batch over the limit has its own code."""
    with pytest.raises(TooManyImages, match="4 images and the limit is 3"):
        wire.parse_batch({"images": ["A"] * 4}, LIMITS)


def test_texts_of_a_query_become_values() -> None:
    """In a query or a form "0.5" is a number and "true" a truth value."""
    parsed = wire.parse_file({"confidence_threshold": "0.5", "include_masks": "true", "frame_id": "a"})
    options = parsed.options(0.3)
    assert (options.confidence_threshold, options.include_masks, parsed.frame_id) == (0.5, True, "a")


@pytest.mark.parametrize("value", ["nan", "2", "", "half"])
def test_a_query_is_held_to_the_same_ranges(value: str) -> None:
    """A wrong text in a query is refused like a wrong value in JSON."""
    with pytest.raises(InvalidRequest, match="confidence_threshold"):
        wire.parse_file({"confidence_threshold": value})


@pytest.mark.parametrize("body", [b"", b"{", b"NaN", b'{"a": NaN}', b"\xff\xfe", b"{'a': 1}"])
def test_what_is_not_json_is_refused(body: bytes) -> None:
    """A body that is not strict JSON is an invalid request."""
    with pytest.raises(InvalidRequest, match="not valid JSON"):
        wire.from_json(body)


def test_a_byte_order_mark_is_passed_over() -> None:
    """Windows' shells write one in front of JSON."""
    assert wire.from_json(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


@pytest.mark.parametrize(
    "value",
    [
        {"image": "QUJD", "x" * 100_000: 1},
        {"image": "QUJD", "mask_format": "x" * 100_000},
        {"image": "QUJD", "debug": ["x"] * 100_000},
        {"image": "QUJD", "camera": {"y" * 100_000: 1}},
    ],
)
def test_a_message_does_not_repeat_megabytes(value: dict[str, Any]) -> None:
    """What was sent is shown by its first characters."""
    with pytest.raises(InvalidRequest) as refused:
        wire.parse_detect(value)
    assert len(str(refused.value)) < 2000


def test_options_may_stand_beside_the_json() -> None:
    """A query's options hold where the body says nothing; a name that is none is told."""
    both = wire.beside({"image": "QUJD", "debug": False}, {"csv": "true", "debug": "true", "tiling": "off"})
    parsed = wire.parse_detect(both)
    assert (parsed.csv, parsed.debug, parsed.tiling) == (True, False, "off")
    with pytest.raises(InvalidRequest, match="wait_for_reslut is not a field"):
        wire.beside({"image": "QUJD"}, {"wait_for_reslut": "false"})


def test_a_pattern_is_told_as_it_is() -> None:
    """Capitals are a part of it."""
    with pytest.raises(InvalidRequest, match="A-Za-z0-9"):
        wire.parse_detect({"image": "QUJD", "s3_prefix": "../up"})


def test_the_fields_that_say_what_it_is_of_come_first() -> None:
    """Who left the photograph out reads its field's name, not that of a bucket."""
    with pytest.raises(InvalidRequest, match="the fields image, image_url, "):
        wire.parse_detect(None)


@pytest.mark.parametrize("scale", [{"mm_per_pixel": 1e300}, {"camera": {"distance_mm": 1e12}}])
def test_a_scale_that_nothing_has_is_a_slip(scale: dict[str, Any]) -> None:
    """Areas would be no numbers any more."""
    with pytest.raises(InvalidRequest, match="less than or equal to"):
        wire.parse_detect({"image": "QUJD", **scale})
