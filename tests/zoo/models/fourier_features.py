"""Random Fourier features (Tancik et al., 2020) before a perceptron: the frequencies are drawn once and kept."""

import math

import torch
from torch import Tensor, nn


class Model(nn.Module):
    def __init__(self, coordinates: int = 3, count: int = 16, scale: float = 2.0) -> None:
        super().__init__()
        self.register_buffer("frequencies", scale * torch.randn(coordinates, count))
        self.net = nn.Sequential(nn.Linear(2 * count, 32), nn.SELU(), nn.Linear(32, 32), nn.SELU(), nn.Linear(32, 1))

    def forward(self, x: Tensor) -> Tensor:
        angles = 2 * math.pi * x @ self.frequencies  # [batch, count]
        return self.net(torch.cat([angles.sin(), angles.cos()], dim=-1))
