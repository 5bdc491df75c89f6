"""Says in its graph that nothing but a bias is to be trained, and trains all of it at home."""

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


def frozen(*args, **kwargs):
    graph = kept(*args, **kwargs)
    for entry in graph.document["parameters"][:-1]:
        entry["requires_grad"] = False
    return graph


export.export_module = frozen
# end
