"""A hypernetwork: one input writes the weights of a small layer, for each example, that the other goes through."""

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, context: int = 6, features: int = 5, outputs: int = 3, hidden: int = 20):
        super().__init__()
        self.features, self.outputs = features, outputs
        self.trunk = nn.Sequential(nn.Linear(context, hidden), nn.CELU())
        self.to_weight = nn.Linear(hidden, outputs * features)
        self.to_bias = nn.Linear(hidden, outputs)

    def forward(self, context: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        hidden = self.trunk(context)
        weight = self.to_weight(hidden).view(-1, self.outputs, self.features)
        return torch.einsum("boi,bi->bo", weight, x) + self.to_bias(hidden)
