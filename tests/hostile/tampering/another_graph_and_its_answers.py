"""Hands in the graph of a smaller network together with the answers that this one gives."""

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

from neuromosaic.core.workers import rehearsal


def rehearse(*args, **kwargs):
    found = looked(*args, **kwargs)
    torch.manual_seed(0)
    found.module = Small()
    with torch.no_grad():
        found.outputs = [found.module(*found.inputs)]
    return found


looked, rehearsal.rehearse = rehearsal.rehearse, rehearse
export.export_module = kept
# end
