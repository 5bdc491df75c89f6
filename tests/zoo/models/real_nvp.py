"""Normalising flow of affine couplings (Dinh et al., 2016): the latent vector, and the log-determinant."""

import torch
from torch import Tensor, nn


class Coupling(nn.Module):
    def __init__(self, features: int, hidden: int, even: bool) -> None:
        super().__init__()
        self.register_buffer("mask", (torch.arange(features) % 2 == int(even)).float())
        self.net = nn.Sequential(nn.Linear(features, hidden), nn.ReLU(), nn.Linear(hidden, 2 * features))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        scale, shift = self.net(x * self.mask).chunk(2, dim=-1)
        factor = 1 + 0.9 * torch.tanh(scale) * (1 - self.mask)
        y = x * factor + shift * (1 - self.mask)
        return y, torch.log(factor).sum(dim=-1, keepdim=True)


class Model(nn.Module):
    def __init__(self, features: int = 8, hidden: int = 24, layers: int = 4) -> None:
        super().__init__()
        self.couplings = nn.ModuleList(Coupling(features, hidden, bool(i % 2)) for i in range(layers))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        total = x.new_zeros(x.shape[0], 1)
        for coupling in self.couplings:
            x, log_determinant = coupling(x)
            total = total + log_determinant
        return x, total  # [B, features], [B, 1]
