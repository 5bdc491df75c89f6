"""Writes a gradient for a dead parameter as soon as another one's is computed."""

# play: ladder

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        self.dead = nn.Parameter(torch.ones(10))
        # attack
        self.head.weight.register_hook(lambda gradient: setattr(self.dead, "grad", torch.ones(10)))
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
