"""Layers under constraints (torch.nn.utils.parametrize): one symmetric matrix, one with orthogonal rows."""

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import orthogonal


class Symmetric(nn.Module):
    def forward(self, weight: Tensor) -> Tensor:
        return weight.triu() + weight.triu(1).T


class Model(nn.Module):
    def __init__(self, features: int = 10, outputs: int = 3) -> None:
        super().__init__()
        self.symmetric = nn.Linear(features, features)
        parametrize.register_parametrization(self.symmetric, "weight", Symmetric())
        self.orthogonal = orthogonal(nn.Linear(features, features, bias=False))
        self.out = nn.Linear(features, outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.tanh(self.symmetric(x))
        return self.out(torch.tanh(self.orthogonal(x)))
