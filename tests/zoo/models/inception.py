"""GoogLeNet-like (Szegedy et al., 2014): parallel branches, and a second head that only speaks in train mode."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ConvBlock(nn.Sequential):
    def __init__(self, inputs: int, outputs: int, **kwargs: int) -> None:
        super().__init__(nn.Conv2d(inputs, outputs, bias=False, **kwargs), nn.BatchNorm2d(outputs), nn.ReLU())


class Inception(nn.Module):
    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.branches = nn.ModuleDict(
            {
                "one": ConvBlock(inputs, width, kernel_size=1),
                "three": nn.Sequential(
                    ConvBlock(inputs, width, kernel_size=1), ConvBlock(width, width, kernel_size=3, padding=1)
                ),
                "five": nn.Sequential(
                    ConvBlock(inputs, width // 2, kernel_size=1),
                    ConvBlock(width // 2, width, kernel_size=5, padding=2),
                ),
                "pool": nn.Sequential(nn.MaxPool2d(3, 1, 1), ConvBlock(inputs, width, kernel_size=1)),
            }
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.branches.values()], dim=1)  # [B, 4 width, H, W]


class Auxiliary(nn.Module):
    def __init__(self, inputs: int, classes: int) -> None:
        super().__init__()
        self.conv = ConvBlock(inputs, 8, kernel_size=1)
        self.fc = nn.Linear(8 * 4 * 4, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.conv(F.adaptive_avg_pool2d(x, 4)).flatten(1))


class Model(nn.Module):
    def __init__(self, classes: int = 10, weight: float = 0.3) -> None:
        super().__init__()
        self.stem = ConvBlock(3, 8, kernel_size=3, stride=2, padding=1)
        self.first, self.second = Inception(8, 6), Inception(24, 8)
        self.auxiliary = Auxiliary(24, classes)
        self.dropout, self.fc = nn.Dropout(0.4), nn.Linear(32, classes)
        self.weight = weight

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(self.stem(x))
        scores = self.fc(self.dropout(F.adaptive_avg_pool2d(self.second(x), 1).flatten(1)))
        if self.training:
            scores = scores + self.weight * self.auxiliary(x)
        return scores
