"""Weights of one bit (Courbariaux et al., 2015): the sign goes forward, the gradient passes straight through."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class BinaryLinear(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        scale = self.weight.abs().mean(dim=1, keepdim=True)
        binary = scale * torch.where(self.weight >= 0, 1.0, -1.0)
        weight = self.weight + (binary - self.weight).detach()
        return F.linear(x, weight, self.bias)


class Model(nn.Module):
    def __init__(self, features: int = 16, hidden: int = 32, classes: int = 5) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            BinaryLinear(features, hidden), nn.BatchNorm1d(hidden), nn.Hardtanh(), BinaryLinear(hidden, classes)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)
