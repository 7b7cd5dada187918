import pytest
import torch

from training.export import TOLERANCE, difference, write
from training.network import build, count


def test_the_network_is_under_a_million_parameters():
    """The embedded network stays small enough to ship in the repository."""
    assert 700_000 < count(build()) < 1_000_000


def test_it_answers_at_full_resolution():
    """For every pixel there is one log-odds, at any multiple of 16."""
    with torch.no_grad():
        assert build().eval()(torch.zeros(2, 4, 48, 80)).shape == (2, 1, 48, 80)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
def test_the_export_agrees_with_torch(tmp_path):
    """The ONNX file answers as the network does, at sizes other than the one it was written with."""
    torch.manual_seed(0)
    network = build()
    digest = write(network, tmp_path / "network.onnx")
    assert len(digest) == 64
    assert (tmp_path / "network.onnx").stat().st_size < 4_000_000
    assert difference(network, tmp_path / "network.onnx") <= TOLERANCE
