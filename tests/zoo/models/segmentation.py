"""DeepLab-like segmentation: dilated convolutions side by side, then back to the size of the image."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class DilatedPyramid(nn.Module):
    def __init__(self, inputs: int, outputs: int, rates: tuple[int, ...] = (1, 2, 4)) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Conv2d(inputs, outputs, 3, padding=rate, dilation=rate, bias=False) for rate in rates
        )
        self.pool = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.project = nn.Conv2d(outputs * (len(rates) + 1), outputs, 1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        parts = [branch(x) for branch in self.branches]
        parts.append(self.pool(x.mean((2, 3), keepdim=True)).expand_as(parts[0]))
        return functional.relu(self.norm(self.project(torch.cat(parts, dim=1))))


class Model(nn.Module):
    def __init__(self, classes: int = 5) -> None:
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 16, 3, 2, 1), nn.ReLU()
        )
        self.pyramid = DilatedPyramid(16, 12)
        self.classify = nn.Conv2d(12, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        scores = self.classify(self.pyramid(self.backbone(x)))  # [B, classes, H/4, W/4]
        return functional.interpolate(scores, size=x.shape[-2:], mode="bilinear", align_corners=False)
