import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

import anomaly.backends.starter as starter
from anomaly.backends.starter.inputs import CHANNELS, planes
from anomaly.errors import ConfigurationError, WeightsError
from anomaly.types import Box, Image

SHIPPED = Path(starter.__file__).parent


@pytest.fixture(scope="module")
def finder() -> starter.Starter:
    """Load the shipped network once."""
    return starter.load()


def wall(height: int = 240, width: int = 320, seed: int = 0) -> Image:
    """Return a rendered wall without a crack."""
    rng = np.random.default_rng(seed)
    return np.clip(rng.normal(170, 5, (height, width, 1)) + np.zeros(3), 0, 255).astype(np.uint8)


def cracked(height: int = 240, width: int = 320, seed: int = 0) -> Image:
    """Return the same wall with a jagged dark crack 4 px wide from left to right, at half height."""
    image = wall(height, width, seed)
    rng = np.random.default_rng(seed + 1)
    row = height / 2 + np.cumsum(rng.choice([-0.8, 0, 0.8], width))
    for x in range(width):
        y = int(np.clip(row[x], 8, height - 8))
        image[y - 2 : y + 2, x] = 45
    return image


def test_a_crack_is_found_and_a_bare_wall_is_left_alone(finder):
    """The default threshold finds a plain crack over most of its length, and nothing on a plain wall."""
    found, nothing = finder.detect([cracked(), wall()], 0.3)
    assert found[0].label == "crack"
    assert found[0].box.width > 250
    assert 0.3 <= found[0].score <= 1
    assert nothing == []


def test_its_mask_lies_on_the_crack(finder):
    """Segmenting what was detected covers the crack, and strays from it by three pixels at most."""
    image = cracked()
    (best, *_) = finder.detect([image], 0.3)[0]
    ((mask,),) = finder.segment([image], [[best.box]])
    assert (mask.x, mask.y) == (int(best.box.x_min), int(best.box.y_min))
    assert mask.bitmap.shape == (int(best.box.height), int(best.box.width))
    dark = (image[..., 0] < 80).astype(np.uint8)
    window = (slice(mask.y, mask.y + mask.bitmap.shape[0]), slice(mask.x, mask.x + mask.bitmap.shape[1]))
    near = cv2.dilate(dark, np.ones((7, 7), np.uint8))[window] > 0
    assert (mask.bitmap & (dark[window] > 0)).sum() > 0.8 * dark.sum()
    assert near[mask.bitmap].mean() > 0.95
    assert 0 < mask.score <= 1


def test_boxes_of_other_detectors_are_segmented_too(finder):
    """A box that another detector drew around the crack gives the crack within that box."""
    ((mask,),) = finder.segment([cracked()], [[Box(99.5, 60, 200, 180)]])
    assert mask.bitmap.shape == (120, 101)
    assert mask.area > 200


def test_images_of_differing_sizes_are_answered_in_order(finder):
    """A batch may mix sizes; answers come in order, boxes inside their image; no boxes cost nothing."""
    answers = finder.detect([wall(50, 70), cracked(200, 333), cracked(97, 161)], 0.0)
    assert len(answers) == 3
    for box in (one.box for one in answers[1]):
        assert 0 <= box.x_min < box.x_max <= 333
        assert 0 <= box.y_min < box.y_max <= 200
    assert finder.segment([wall()], [[]]) == [[]]


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (5, 3), (17, 16)])
def test_tiny_photographs_are_answered(finder, shape):
    """A photograph of a few pixels has no cracks, and is no error."""
    assert finder.detect([wall(*shape)], 0.3) == [[]]


def test_a_higher_threshold_keeps_the_best(finder):
    """Detections come best first, and the threshold keeps those at or above it."""
    image = np.concatenate([cracked(seed=3), cracked(seed=5)])
    everything = [one.score for one in finder.detect([image], 0.0)[0]]
    assert everything == sorted(everything, reverse=True)
    level = everything[0]
    assert [one.score for one in finder.detect([image], level)[0]] == [s for s in everything if s >= level]


def test_large_photographs_are_run_in_tiles_without_seams(finder):
    """A crack across a photograph that takes several tiles is found as one, from border to border."""
    image = cracked(1200, 2600)
    (best, *_) = finder.detect([image], 0.3)[0]
    assert best.box.width > 2500


def test_the_card_says_what_it_is(finder):
    """The card names the class, the file, its digest and its origin, and no path."""
    card = finder.card
    assert (card.backend, card.classes, card.weights) == ("starter", ("crack",), "starter.onnx")
    assert card.sha256 is not None
    assert len(card.sha256) == 64
    assert "generated photographs" in card.note
    assert "/" not in f"{card.weights}{card.note}"


def test_the_shipped_files_say_how_they_came_about():
    """Beside the weights stand the schedule, seed, date and evaluation; the weights stay under 4 MB."""
    facts = json.loads((SHIPPED / "starter.json").read_text())
    assert {"schedule", "date", "evaluation", "sha256", "parameters", "cut", "calibration"} <= set(facts)
    assert isinstance(facts["schedule"]["seed"], int)
    assert facts["parameters"] < 1_000_000
    assert (SHIPPED / "starter.onnx").stat().st_size <= 4_000_000


def test_damaged_weights_are_refused(tmp_path):
    """A weights file that is not the one described is an error that says what to do."""
    shutil.copy(SHIPPED / "starter.json", tmp_path)
    (tmp_path / "starter.onnx").write_bytes((SHIPPED / "starter.onnx").read_bytes() + b"x")
    with pytest.raises(WeightsError, match="install"):
        starter.load(folder=tmp_path)


def test_missing_weights_are_refused(tmp_path):
    """A folder without the files is an error that names the missing one and no path."""
    with pytest.raises(WeightsError, match=r"starter\.onnx is missing") as caught:
        starter.load(folder=tmp_path)
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize("device", ["tpu", "cuda:x", "cpu:0"])
def test_unknown_devices_are_refused(device):
    """A device that cannot be is a configuration error."""
    with pytest.raises(ConfigurationError, match="unknown"):
        starter.load(device=device)


def test_the_networks_input_is_even_and_bounded():
    """The first plane is free of the photograph's brightness, and no plane leaves -4..4."""
    image = wall()
    dark, light = planes((image * 0.5).astype(np.uint8)), planes(image)
    assert dark.shape == (CHANNELS, 240, 320)
    assert abs(float(dark[0].mean() - light[0].mean())) < 0.05
    assert np.abs(light).max() <= 4
