import numpy as np
import torch

from training.schedule import Schedule, Stage
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


def test_training_goes_on_where_it_was_stopped(tmp_path):
    """Stopped after one of two rounds and started again, training ends with the same weights."""
    whole = run(TINY, tmp_path / "whole", 1).state_dict()
    run(TINY, tmp_path / "parts", 1, stop_after_rounds=1)
    parts = run(TINY, tmp_path / "parts", 1).state_dict()
    for name, value in whole.items():
        assert torch.equal(value, parts[name]), name
