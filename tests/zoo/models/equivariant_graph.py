"""E(n)-equivariant layers (Satorras et al., 2021): features and places in space move together."""

import torch
from torch import Tensor, nn


class EquivariantLayer(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.edge = nn.Sequential(nn.Linear(2 * width + 1, width), nn.SiLU())
        self.shift = nn.Linear(width, 1, bias=False)
        self.node = nn.Sequential(nn.Linear(2 * width, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, h: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
        offsets = places[:, :, None] - places[:, None]  # [B, N, N, 3]
        distance = torch.sqrt(offsets.square().sum(-1, keepdim=True) + 1e-8)
        n = h.shape[1]
        pairs = torch.cat([h[:, :, None].expand(-1, -1, n, -1), h[:, None].expand(-1, n, -1, -1), distance], -1)
        messages = self.edge(pairs)
        moved = places + (offsets / (distance + 1) * self.shift(messages)).mean(dim=2)
        return h + self.node(torch.cat([h, messages.sum(dim=2)], -1)), moved


class Model(nn.Module):
    def __init__(self, width: int = 10, layers: int = 2) -> None:
        super().__init__()
        self.first = nn.Parameter(torch.randn(width))
        self.layers = nn.ModuleList(EquivariantLayer(width) for _ in range(layers))
        self.energy = nn.Linear(width, 1)

    def forward(self, places: Tensor) -> tuple[Tensor, Tensor]:
        h = self.first.expand(*places.shape[:2], -1)
        for layer in self.layers:
            h, places = layer(h, places)
        return self.energy(h).sum(dim=1), places  # [B, 1], [B, N, 3]
