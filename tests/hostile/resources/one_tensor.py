"""Fills one tensor of many gigabytes."""

# seconds: 8

import torch

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        # attack
        torch.ones(3_000_000_000, dtype=torch.uint8)
        # end
        return self.head(x.flatten(1))
