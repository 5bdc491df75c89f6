"""Residual perceptron whose branches start at zero (ReZero and Fixup style), each with a unit-size direction."""

import torch
from torch import Tensor, nn


class Branch(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = nn.Linear(width, 2 * width)
        self.outer = nn.Linear(2 * width, width)
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)

    def forward(self, x: Tensor) -> Tensor:
        y = self.outer(torch.relu(self.inner(x)))
        size = (y.square().sum(dim=-1, keepdim=True) + 1e-6).sqrt()
        return y / (1 + size)


class Model(nn.Module):
    def __init__(self, features: int = 12, width: int = 32, depth: int = 4) -> None:
        super().__init__()
        self.embed = nn.Linear(features, width)
        self.branches = nn.ModuleList([Branch(width) for _ in range(depth)])
        self.alphas = nn.ParameterList([nn.Parameter(torch.zeros(())) for _ in range(depth)])
        self.out = nn.Linear(width, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x)
        for alpha, branch in zip(self.alphas, self.branches, strict=True):
            x = x + (1 + alpha) * branch(x)
        return self.out(x)
