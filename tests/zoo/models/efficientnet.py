"""EfficientNet-like (Tan and Le, 2019): MBConv with squeeze and excitation, compound scaling, stochastic depth."""

import math

import torch
from torch import nn


def scaled(width: float, factor: float, divisor: int = 4) -> int:
    return max(divisor, int(width * factor + divisor / 2) // divisor * divisor)


class MBConv(nn.Module):
    def __init__(self, cin: int, cout: int, expand: int, kernel: int, stride: int, survival: float):
        super().__init__()
        mid = cin * expand
        self.survival, self.skip = survival, stride == 1 and cin == cout
        self.expand = nn.Sequential(nn.Conv2d(cin, mid, 1, bias=False), nn.BatchNorm2d(mid), nn.SiLU())
        self.depth = nn.Sequential(
            nn.Conv2d(mid, mid, kernel, stride, kernel // 2, groups=mid, bias=False), nn.BatchNorm2d(mid), nn.SiLU()
        )
        self.squeeze = nn.Sequential(nn.Conv2d(mid, cin // 4 or 1, 1), nn.SiLU(), nn.Conv2d(cin // 4 or 1, mid, 1))
        self.project = nn.Sequential(nn.Conv2d(mid, cout, 1, bias=False), nn.BatchNorm2d(cout))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.depth(self.expand(x))
        y = y * self.squeeze(y.mean((2, 3), keepdim=True)).sigmoid()
        y = self.project(y)
        if not self.skip:
            return y
        if self.training and self.survival < 1:
            keep = torch.rand(x.shape[0], 1, 1, 1, device=x.device, dtype=x.dtype) < self.survival
            y = y * keep / self.survival
        return x + y


class Model(nn.Module):
    def __init__(self, width: float = 0.5, depth: float = 1.0, num_classes: int = 8):
        super().__init__()
        rows = [(1, 3, 1, 16, 1), (4, 3, 2, 24, 2), (4, 5, 2, 40, 2)]  # expand, kernel, stride, channels, repeats
        cin = scaled(16, width)
        self.stem = nn.Sequential(nn.Conv2d(3, cin, 3, 2, 1, bias=False), nn.BatchNorm2d(cin), nn.SiLU())
        blocks = []
        for expand, kernel, stride, channels, repeats in rows:
            for i in range(math.ceil(repeats * depth)):
                cout = scaled(channels, width)
                blocks.append(MBConv(cin, cout, expand, kernel, stride if i == 0 else 1, survival=0.8))
                cin = cout
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(cin, num_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.blocks(self.stem(x)).mean((2, 3)))
