"""DenseNet (Huang et al., 2016): every layer reads all that came before it. Sizes from the constructor."""

import torch
from torch import nn


class DenseLayer(nn.Module):
    def __init__(self, channels: int, growth: int, drop: float):
        super().__init__()
        self.reduce = nn.Sequential(
            nn.BatchNorm2d(channels), nn.ReLU(inplace=True), nn.Conv2d(channels, 4 * growth, 1, bias=False)
        )
        self.grow = nn.Sequential(
            nn.BatchNorm2d(4 * growth), nn.ReLU(inplace=True), nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)
        )
        self.drop = nn.Dropout2d(drop)

    def forward(self, features: list[torch.Tensor]) -> torch.Tensor:
        return self.drop(self.grow(self.reduce(torch.cat(features, dim=1))))


class DenseBlock(nn.ModuleList):
    def __init__(self, channels: int, layers: int, growth: int, drop: float):
        super().__init__(DenseLayer(channels + number * growth, growth, drop) for number in range(layers))
        self.out_channels = channels + layers * growth

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features = [x]
        for layer in self:
            features.append(layer(features))
        return torch.cat(features, dim=1)


class Model(nn.Module):
    def __init__(self, growth: int, blocks: list[int], classes: int = 10, drop: float = 0.1):
        super().__init__()
        channels = 2 * growth
        self.stem = nn.Conv2d(3, channels, 3, padding=1, bias=False)
        stages: list[nn.Module] = []
        for number, layers in enumerate(blocks):
            block = DenseBlock(channels, layers, growth, drop)
            stages.append(block)
            channels = block.out_channels
            if number < len(blocks) - 1:  # halve channels and size
                stages += [nn.BatchNorm2d(channels), nn.Conv2d(channels, channels // 2, 1), nn.AvgPool2d(2)]
                channels //= 2
        self.stages = nn.Sequential(*stages)
        self.norm = nn.BatchNorm2d(channels)
        self.head = nn.Linear(channels, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.norm(self.stages(self.stem(x))))
        return self.head(x.mean((-2, -1)))
