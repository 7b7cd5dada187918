import numpy as np
import torch

from training.schedule import RELEASE, Schedule, Stage
from training.train import example, rate, run

STAGE = Stage("full", 2, 1e-3, 1e-4, passes=1)
TINY = Schedule(seed=1, stages=(STAGE,), side_pixels=64, photographs_per_round=8, batch=4, warm_up_steps=2)


def test_an_example_is_the_networks_input_and_its_target():
    """An order becomes planes and codes of the side asked for."""
    planes, codes = example(("full", 1, 0, 64))
    assert planes.shape == (4, 64, 64)
    assert planes.dtype == np.float16
    assert codes.shape == (64, 64)
    assert codes.max() <= 3


def test_the_rate_warms_up_and_falls():
    """The learning rate rises over the warm-up and reaches the stage's last rate at its end."""
    stage = Stage("full", 1, 2e-3, 1e-5)
    schedule = Schedule(seed=0, stages=(stage,), warm_up_steps=10)
    assert rate(schedule, stage, 0.0, 0) < rate(schedule, stage, 0.0, 9)
    assert abs(rate(schedule, stage, 0.0, 9) - 2e-3) < 1e-9
    assert abs(rate(schedule, stage, 1.0, 99) - 1e-5) < 1e-9


def test_a_steady_rate_does_not_depend_on_the_length():
    """Where a stage begins and ends at one rate, it may be lengthened later without changing what was done."""
    for rounds in (4, 90):
        stage = Stage("full", rounds, 2e-3, 2e-3)
        assert rate(Schedule(seed=0, stages=(stage,)), stage, 2 / rounds, 999) == 2e-3


def test_the_release_ends_at_a_hundredth_of_its_rate():
    """The shipped weights come of a steady stage and one in which the rate falls."""
    steady, falling = RELEASE.stages
    assert steady.first_rate == steady.last_rate == falling.first_rate == 100 * falling.last_rate
    assert steady.recipe == falling.recipe


def test_training_repeats_itself_and_goes_on_where_it_was_stopped(tmp_path):
    """From one seed come the same weights, however many processes draw, and also when stopped on the way."""
    whole = run(TINY, tmp_path / "whole", 1).state_dict()
    again = run(TINY, tmp_path / "again", 2).state_dict()
    run(TINY, tmp_path / "parts", 1, stop_after_rounds=1)
    parts = run(TINY, tmp_path / "parts", 1).state_dict()
    for name, value in whole.items():
        assert torch.equal(value, again[name]), name
        assert torch.equal(value, parts[name]), name
