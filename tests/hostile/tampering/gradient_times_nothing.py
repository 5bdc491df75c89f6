"""Uses a dead parameter in a product with zero, so that its gradient exists and says nothing."""

# play: ladder

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        self.dead = nn.Parameter(torch.ones(10))

    def forward(self, x):
        # attack
        return self.head(x.flatten(1)) + 0.0 * self.dead
        # end
        return self.head(x.flatten(1))
