"""Multiplies large matrices without an end."""

# seconds: 2

import torch

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        # attack
        a = torch.randn(500, 500)
        while True:
            a = torch.tanh(a @ a)
        # end
        return self.head(x.flatten(1))
