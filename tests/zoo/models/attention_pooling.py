"""Multiple instances in a bag (Ilse et al., 2018): gated attention says how much each instance counts."""

import torch
from torch import Tensor, nn


class GatedAttention(nn.Module):
    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.value, self.gate, self.score = nn.Linear(width, hidden), nn.Linear(width, hidden), nn.Linear(hidden, 1)

    def forward(self, instances: Tensor) -> Tensor:
        scores = self.score(torch.tanh(self.value(instances)) * torch.sigmoid(self.gate(instances)))  # [B, N, 1]
        weights = torch.softmax(scores, dim=1)
        return (weights * instances).sum(dim=1)  # [B, width]


class Model(nn.Module):
    def __init__(self, features: int = 16, width: int = 24, classes: int = 3) -> None:
        super().__init__()
        self.embed = nn.Sequential(nn.Linear(features, width), nn.ReLU())
        self.pool = GatedAttention(width, 12)
        self.classify = nn.Linear(width, classes)

    def forward(self, bag: Tensor) -> Tensor:
        return self.classify(self.pool(self.embed(bag)))
