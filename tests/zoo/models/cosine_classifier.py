"""ArcFace-like classifier: angles between an embedding and one direction per class."""

import torch
import torch.nn.functional as F
from torch import nn


class Model(nn.Module):
    def __init__(self, features: int = 20, dim: int = 10, classes: int = 6, scale: float = 8.0):
        super().__init__()
        self.embed = nn.Sequential(nn.Linear(features, 32), nn.ReLU(), nn.Linear(32, dim))
        self.directions = nn.Parameter(torch.randn(classes, dim))
        self.scale = scale

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        cosine = F.linear(F.normalize(self.embed(x), dim=-1), F.normalize(self.directions, dim=-1))
        return self.scale * (1 - torch.acos(cosine.clamp(-1 + 1e-6, 1 - 1e-6)) / torch.pi)
