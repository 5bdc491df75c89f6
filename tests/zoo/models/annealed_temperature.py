"""A temperature that falls with every training step; `.item()` reads the counter in forward."""

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, features: int = 8, classes: int = 4):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(features, 24), nn.ReLU(), nn.Linear(24, classes))
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))
        self.start, self.end, self.half_life = 2.0, 1.0, 20

    def temperature(self) -> float:
        age = self.steps.item()
        return self.end + (self.start - self.end) * 0.5 ** (age / self.half_life)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training:
            self.steps += 1
        return self.body(x) / self.temperature()
