"""Hands in the graph of a smaller network than the one it is."""

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
from neuromosaic.core.graph import export

kept = export.export_module


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        return self.head(x.flatten(1))


export.export_module = lambda module, *args, **kwargs: kept(Small(), *args, **kwargs)
# end
