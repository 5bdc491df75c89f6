"""Glow-like flow on vectors (Kingma and Dhariwal, 2018): activation norm, fixed permutations, additive couplings."""

import torch
from torch import Tensor, nn


class Step(nn.Module):
    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        self.log_scale, self.shift = nn.Parameter(torch.zeros(features)), nn.Parameter(torch.zeros(features))
        self.register_buffer("order", torch.randperm(features))
        half = features // 2
        self.couple = nn.Sequential(nn.Linear(half, hidden), nn.Tanh(), nn.Linear(hidden, features - half))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = (x * self.log_scale.exp() + self.shift)[:, self.order]
        half = x.shape[1] // 2
        left, right = x[:, :half], x[:, half:]
        return torch.cat([left, right + self.couple(left)], dim=1), self.log_scale.sum()


class Model(nn.Module):
    def __init__(self, features: int = 6, steps: int = 3) -> None:
        super().__init__()
        self.steps = nn.ModuleList(Step(features, 16) for _ in range(steps))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        total = torch.zeros_like(x[:, :1])
        for step in self.steps:
            x, log_determinant = step(x)
            total = total + log_determinant
        return x, total
