"""Says in its graph that all its weights are one and the same."""

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


def tied(*args, **kwargs):
    graph = kept(*args, **kwargs)
    first, *others = graph.document["parameters"]
    for entry in others:
        entry["same_as"] = first["name"]
    return graph


export.export_module = tied
# end
