"""Stochastic depth (Huang et al., 2016): in train mode whole branches are skipped, example by example."""

import torch
from torch import nn


class DropPath(nn.Module):
    def __init__(self, drop_prob: float):
        super().__init__()
        self.drop_prob = drop_prob

    def forward(self, x):
        if not self.training or self.drop_prob == 0.0:
            return x
        keep = 1 - self.drop_prob
        shape = (x.shape[0],) + (1,) * (x.ndim - 1)
        mask = torch.floor(keep + torch.rand(shape, dtype=x.dtype, device=x.device))
        return x.div(keep) * mask

    def extra_repr(self):
        return f"drop_prob={self.drop_prob}"


class Residual(nn.Module):
    def __init__(self, channels, drop_prob):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm = nn.InstanceNorm2d(channels, affine=True)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.drop_path = DropPath(drop_prob)

    def forward(self, x):
        return x + self.drop_path(self.conv2(torch.relu(self.norm(self.conv1(x)))))


class Model(nn.Module):
    def __init__(self, depth=3, rate=0.3):
        super().__init__()
        self.stem = nn.Conv2d(3, 10, 3, padding=1)
        self.blocks = nn.Sequential(*[Residual(10, rate * (i + 1) / depth) for i in range(depth)])
        self.head = nn.Linear(10, 4)

    def forward(self, x):
        x = self.blocks(self.stem(x))  # (B, 10, 20, 20)
        return self.head(x.flatten(2).mean(-1))
