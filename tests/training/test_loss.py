import numpy as np
import torch

from training.loss import BACKGROUND, CRACK, IGNORED, RIM, punish, target
from training.photo import Sample


def sample(ignored: bool = False) -> Sample:
    """Return a photograph with one line of crack, faint where `ignored`."""
    crack = np.zeros((32, 32), bool)
    crack[16] = True
    return Sample(np.zeros((32, 32, 3), np.uint8), crack, crack & ignored, "plaster")


def test_targets_have_a_rim_of_two_pixels():
    """Beside a crack lie two pixels that count little, then background."""
    assert target(sample())[13:20, 5].tolist() == [BACKGROUND, RIM, RIM, CRACK, RIM, RIM, BACKGROUND]


def test_faint_cracks_are_exempt():
    """A crack too faint to see is ignored together with its rim."""
    assert set(np.unique(target(sample(ignored=True)))) == {BACKGROUND, IGNORED}


def test_the_right_answer_costs_least():
    """The loss is lowest for the truth, higher for silence, higher still for the opposite."""
    codes = torch.from_numpy(target(sample())[None])
    truth = torch.where(codes == CRACK, 8.0, -8.0)[:, None]
    silence = torch.full_like(truth, -8.0)
    assert punish(truth, codes) < 0.02 < punish(silence, codes) < punish(-truth, codes)
