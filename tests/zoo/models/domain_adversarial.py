"""Domain-adversarial network (Ganin et al., 2015): the domain head's gradient is turned round on its way back."""

import torch
from torch import Tensor, nn


class Reversed(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor, strength: float) -> Tensor:
        ctx.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        return -ctx.strength * gradient, None


class Model(nn.Module):
    def __init__(self, features: int = 9, classes: int = 4, strength: float = 0.5) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Linear(features, 24), nn.ReLU(), nn.Linear(24, 12), nn.ReLU())
        self.label = nn.Linear(12, classes)
        self.domain = nn.Sequential(nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, 1))
        self.strength = strength

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.features(x)
        return self.label(features), self.domain(Reversed.apply(features, self.strength))
