"""Replaces torch.export itself by one that exports a smaller network."""

# play: ladder

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(64, 300)
        self.head = nn.Linear(300, 10)

    def forward(self, x):
        return self.head(torch.relu(self.body(x.flatten(1))))


# attack
kept = torch.export.export


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        return self.head(x.flatten(1))


torch.export.export = lambda module, *args, **kwargs: kept(Small(), *args, **kwargs)
# end
