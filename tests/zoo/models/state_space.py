"""Diagonal state-space layer with steps that depend on the input (Mamba-like), scanned along time."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class SelectiveScan(nn.Module):
    def __init__(self, width: int, states: int) -> None:
        super().__init__()
        self.log_rate = nn.Parameter(torch.log(torch.arange(1.0, states + 1)).repeat(width, 1))  # [width, states]
        self.to_step = nn.Linear(width, width)
        self.to_b, self.to_c = nn.Linear(width, states, bias=False), nn.Linear(width, states, bias=False)
        self.skip = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        step = F.softplus(self.to_step(x))  # [B, T, width]
        decay = torch.exp(-step[..., None] * self.log_rate.exp())  # [B, T, width, states], below 1
        driven = (step * x)[..., None] * self.to_b(x)[:, :, None, :]
        read = self.to_c(x)
        state, outputs = torch.zeros_like(driven[:, 0]), []
        for t in range(x.shape[1]):
            state = decay[:, t] * state + driven[:, t]
            outputs.append((state * read[:, t, None, :]).sum(-1))
        return torch.stack(outputs, dim=1) + self.skip * x


class Model(nn.Module):
    def __init__(self, features: int = 4, width: int = 12, states: int = 4, classes: int = 5) -> None:
        super().__init__()
        self.embed = nn.Linear(features, width)
        self.norm = nn.LayerNorm(width)
        self.mix, self.gate = SelectiveScan(width, states), nn.Linear(width, width)
        self.head = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x)
        y = self.norm(x)
        x = x + self.mix(y) * F.silu(self.gate(y))
        return self.head(x.mean(dim=1))
