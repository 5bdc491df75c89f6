"""Lazy layers: the sizes of the inputs are found out by the first pass."""

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, hidden: int = 16, classes: int = 5):
        super().__init__()
        self.conv = nn.LazyConv2d(6, kernel_size=3, stride=2)
        self.norm = nn.LazyBatchNorm2d()
        self.hidden = nn.LazyLinear(hidden)
        self.out = nn.LazyLinear(classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.norm(self.conv(x)))
        x = torch.relu(self.hidden(x.flatten(1)))
        return self.out(x)
