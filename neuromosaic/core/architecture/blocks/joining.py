import torch
from torch import Tensor, nn


class GatedJoin(nn.Module):
    """A trained gate in (0, 1) for each feature chooses between two tensors.

    Two [..., width] to one; half of each at the start of training, roughly.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gate = nn.Linear(2 * width, width)

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        share = torch.sigmoid(self.gate(torch.cat((one, other), -1)))
        return share * one + (1 - share) * other


class GatedImageJoin(nn.Module):
    """A trained gate in (0, 1) for each channel and pixel chooses between two images.

    Two [batch, channels, h, w] to one.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gate = nn.Conv2d(2 * channels, channels, 1)

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        share = torch.sigmoid(self.gate(torch.cat((one, other), 1)))
        return share * one + (1 - share) * other


class PoolSteps(nn.Module):
    """Averages a sequence: [batch, time, width] to [batch, steps, width]."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool1d(steps)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.pool(x.transpose(1, 2)).transpose(1, 2)
        return out
