"""Each example takes as many steps as it needs (Graves, 2016); the loop ends when all have halted."""

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, features: int = 6, width: int = 12, limit: int = 5, classes: int = 3):
        super().__init__()
        self.embed = nn.Linear(features, width)
        self.cell = nn.GRUCell(width, width)
        self.halt = nn.Linear(width, 1)
        self.out = nn.Linear(width, classes)
        self.limit = limit

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        inputs = self.embed(x)
        state = torch.zeros_like(inputs)
        total = torch.zeros_like(inputs)
        remaining = torch.ones_like(inputs[:, :1])
        step = 0
        while (remaining > 0).any():
            state = self.cell(inputs, state)
            probability = torch.sigmoid(self.halt(state))
            share = remaining if step == self.limit - 1 else probability * remaining
            remaining = remaining - share
            total = total + share * state
            step += 1
        return self.out(total)
