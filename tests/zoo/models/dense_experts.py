"""Mixture of experts (Jacobs et al., 1991): all of them answer, a gate weighs the answers."""

import torch
from torch import Tensor, nn


class Model(nn.Module):
    def __init__(self, features: int = 10, experts: int = 4, hidden: int = 16, classes: int = 6) -> None:
        super().__init__()
        self.first = nn.Parameter(torch.randn(experts, features, hidden) / features**0.5)
        self.second = nn.Parameter(torch.randn(experts, hidden, classes) / hidden**0.5)
        self.gate = nn.Linear(features, experts)

    def forward(self, x: Tensor) -> Tensor:
        hidden = torch.einsum("bf,efh->beh", x, self.first).relu()
        answers = torch.einsum("beh,ehc->bec", hidden, self.second)
        weights = self.gate(x).softmax(dim=-1)  # [batch, experts]
        return torch.einsum("be,bec->bc", weights, answers)
