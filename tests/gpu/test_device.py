"""The card itself: precision, the order of channels, and its loss."""

import subprocess
import sys

import pytest
import torch

from anomaly.backends import device

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA card"),
]

_FAULT = """
import torch
from anomaly.backends import device
from anomaly.errors import DeviceLost

for work in (lambda: torch.zeros(3, device="cuda")[torch.tensor([99], device="cuda")].cpu(),
             lambda: torch.ones(2, device="cuda").sum().item(),
             lambda: (torch.ones(64, 64, device="cuda") @ torch.ones(64, 64, device="cuda")).cpu()):
    try:
        with device.failures("a model"):
            work()
    except DeviceLost:
        print("lost")
"""


def test_a_fault_in_a_kernel_is_a_lost_device() -> None:
    """After an index out of range on the card, that and all later work of the process is DeviceLost."""
    done = subprocess.run([sys.executable, "-c", _FAULT], capture_output=True, text=True, timeout=200)
    assert done.stdout.split() == ["lost"] * 3, done.stderr[-2000:]


def test_an_error_of_one_call_leaves_the_card_as_it_was() -> None:
    """A shape that does not fit is no loss: the card is asked, and answers."""
    from anomaly.errors import ModelError

    with pytest.raises(ModelError), device.failures("a model"):
        torch.ones(2, 3, device="cuda") @ torch.ones(2, 3, device="cuda")


def test_auto_takes_bf16_where_the_card_computes_in_it() -> None:
    """Ampere and later run in bf16, older cards in fp32; TF32 is on for what stays in fp32."""
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    try:
        placement = device.place()
        since_ampere = torch.cuda.get_device_capability()[0] >= 8
        assert placement == device.Placement("cuda", "bf16" if since_ampere else "fp32")
        assert torch.get_float32_matmul_precision() == "high"
        assert torch.backends.cudnn.allow_tf32
    finally:
        torch.set_float32_matmul_precision(before[0])
        torch.backends.cudnn.allow_tf32 = before[1]


def test_on_a_card_channels_lie_innermost() -> None:
    """A convolution's weights are laid out as tensor cores read them."""
    module = device.settle(torch.nn.Conv2d(8, 16, 3), device.Placement("cuda", "fp32"))
    assert module.weight.is_cuda
    assert module.weight.is_contiguous(memory_format=torch.channels_last)
