"""Kolmogorov-Arnold layers (Liu et al., 2024): a learnt B-spline on every edge, beside a plain SiLU."""

import torch
import torch.nn.functional as F
from torch import nn


class KANLinear(nn.Module):
    def __init__(self, fin: int, fout: int, grid: int = 5, order: int = 3, low: float = -2.0, high: float = 2.0):
        super().__init__()
        self.order = order
        step = (high - low) / grid
        knots = torch.arange(-order, grid + order + 1, dtype=torch.float32) * step + low
        self.register_buffer("knots", knots)
        self.base = nn.Parameter(torch.randn(fout, fin) / fin**0.5)
        self.coefficients = nn.Parameter(0.1 * torch.randn(fout, fin, grid + order))

    def splines(self, x: torch.Tensor) -> torch.Tensor:
        """(B, fin) -> (B, fin, grid + order), by the recursion of Cox and de Boor"""
        x, t = x.unsqueeze(-1), self.knots
        basis = ((x >= t[:-1]) & (x < t[1:])).to(x.dtype)
        for k in range(1, self.order + 1):
            left = (x - t[: -(k + 1)]) / (t[k:-1] - t[: -(k + 1)]) * basis[..., :-1]
            right = (t[k + 1 :] - x) / (t[k + 1 :] - t[1:-k]) * basis[..., 1:]
            basis = left + right
        return basis

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.linear(F.silu(x), self.base) + torch.einsum("bik,oik->bo", self.splines(x), self.coefficients)


class Model(nn.Module):
    def __init__(self, widths: tuple[int, ...] = (4, 8, 2)):
        super().__init__()
        self.layers = nn.Sequential(*[KANLinear(a, b) for a, b in zip(widths[:-1], widths[1:], strict=True)])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)
