"""Neural ODE (Chen et al., 2018): a learnt vector field, followed by Runge-Kutta in fixed steps."""

import torch
from torch import Tensor, nn


class Field(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(width + 1, 2 * width), nn.Linear(2 * width, width)

    def forward(self, time: float, x: Tensor) -> Tensor:
        at = torch.full_like(x[:, :1], time)
        return self.two(torch.tanh(self.one(torch.cat([x, at], dim=1))))


class Model(nn.Module):
    def __init__(self, features: int = 4, width: int = 10, steps: int = 6, classes: int = 3) -> None:
        super().__init__()
        self.lift = nn.Linear(features, width)
        self.field = Field(width)
        self.read = nn.Linear(width, classes)
        self.steps = steps
        self.now = 0.0

    def step(self, x: Tensor, h: float) -> Tensor:
        t = self.now
        k1 = self.field(t, x)
        k2 = self.field(t + h / 2, x + h / 2 * k1)
        k3 = self.field(t + h / 2, x + h / 2 * k2)
        k4 = self.field(t + h, x + h * k3)
        self.now = t + h
        return x + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)

    def forward(self, x: Tensor) -> Tensor:
        self.now = 0.0
        x = self.lift(x)
        for _ in range(self.steps):
            x = self.step(x, 2.0 / self.steps)
        return self.read(x)
