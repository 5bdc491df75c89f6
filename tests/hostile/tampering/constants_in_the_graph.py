"""Says in its graph that its weights are constants, which are not counted."""

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
    document = graph.document
    document["constants"] += [entry["name"] for entry in document["parameters"][:-1]]
    document["parameters"] = document["parameters"][-1:]
    return graph


export.export_module = frozen
# end
