"""Siamese network: one encoder for two images, compared by the angle between their embeddings."""

import torch
import torch.nn.functional as F
from torch import nn


class Encoder(nn.Module):
    def __init__(self, dim: int):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, stride=2, padding=1)
        self.conv2 = nn.Conv2d(8, 16, 3, stride=2, padding=1)
        self.norm = nn.GroupNorm(4, 16)
        self.fc = nn.Linear(16 * 4 * 4, dim)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.leaky_relu(self.conv1(x), 0.1)  # (B, 8, 8, 8)
        x = F.leaky_relu(self.norm(self.conv2(x)), 0.1)  # (B, 16, 4, 4)
        return F.normalize(self.fc(x.flatten(1)), dim=1)


class Model(nn.Module):
    def __init__(self, dim: int = 12):
        super().__init__()
        self.encoder = Encoder(dim)
        self.scale = nn.Parameter(torch.tensor(5.0))
        self.offset = nn.Parameter(torch.zeros(1))

    def forward(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        a, b = self.encoder(left), self.encoder(right)  # (B, dim) each
        similarity = torch.einsum("bd,bd->b", a, b)
        return self.scale * similarity[:, None] + self.offset  # (B, 1)
