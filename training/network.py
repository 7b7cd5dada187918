"""The network: a small residual U-Net from a photograph's planes to the log-odds of crack, per pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anomaly.backends.starter.inputs import CHANNELS

if TYPE_CHECKING:
    import torch
    from torch import nn

WIDTHS = (16, 32, 64, 112)
"""Channels at strides 2, 4, 8 and 16."""


def build() -> nn.Module:
    """Return the untrained network: (N, 4, H, W) to (N, 1, H, W), H and W multiples of 16.

    It has no convolution at full resolution, which is where a U-Net spends most of its time: a 6x6 stem
    halves the picture and a pixel shuffle doubles the answer.
    """
    from torch import nn
    from torch.nn import functional as F

    def normed(inputs: int, outputs: int, kernel: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
        pad = (kernel - stride) // 2 if kernel == 6 else dilation * (kernel // 2)
        convolution = nn.Conv2d(inputs, outputs, kernel, stride, pad, dilation, bias=False)
        return nn.Sequential(convolution, nn.BatchNorm2d(outputs))

    class Residual(nn.Module):
        """Two 3x3 convolutions around which the input passes."""

        def __init__(self, width: int, first: int = 1, second: int = 1) -> None:
            super().__init__()
            self.first = normed(width, width, 3, dilation=first)
            self.second = normed(width, width, 3, dilation=second)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return F.relu(x + self.second(F.relu(self.first(x))))

    class Network(nn.Module):
        """Down through four resolutions, up again with the finer ones added."""

        def __init__(self) -> None:
            super().__init__()
            a, b, c, d = WIDTHS
            self.stem = normed(CHANNELS, a, 6, 2)
            self.level_2 = Residual(a)
            self.down_4 = normed(a, b, 3, 2)
            self.level_4 = nn.Sequential(Residual(b), Residual(b))
            self.down_8 = normed(b, c, 3, 2)
            self.level_8 = nn.Sequential(Residual(c), Residual(c))
            self.down_16 = normed(c, d, 3, 2)
            self.level_16 = nn.Sequential(Residual(d, 1, 2), Residual(d, 3, 1))
            self.up_8, self.join_8 = normed(d, c, 1), Residual(c)
            self.up_4, self.join_4 = normed(c, b, 1), Residual(b)
            self.up_2, self.join_2 = normed(b, a, 1), Residual(a)
            self.head = nn.Conv2d(a, 4, 3, padding=1)
            self.shuffle = nn.PixelShuffle(2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            at_2 = self.level_2(F.relu(self.stem(x)))
            at_4 = self.level_4(F.relu(self.down_4(at_2)))
            at_8 = self.level_8(F.relu(self.down_8(at_4)))
            at_16 = self.level_16(F.relu(self.down_16(at_8)))
            back_8 = self.join_8(F.relu(at_8 + F.interpolate(self.up_8(at_16), scale_factor=2.0)))
            back_4 = self.join_4(F.relu(at_4 + F.interpolate(self.up_4(back_8), scale_factor=2.0)))
            back_2 = self.join_2(F.relu(at_2 + F.interpolate(self.up_2(back_4), scale_factor=2.0)))
            return self.shuffle(self.head(back_2))

    network = Network()
    nn.init.constant_(network.head.bias, -3.0)  # cracks are rare: begin by saying so
    return network


def count(network: nn.Module) -> int:
    """Return the number of trained parameters."""
    return sum(parameter.numel() for parameter in network.parameters())
