"""Writes other shapes than there are into its graph's remarks."""

# play: ladder

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 11)

    def forward(self, x):
        scores = self.head(x.flatten(1))
        return scores


# attack
from neuromosaic.core.graph import export

kept = export.export_module


def remarked(*args, **kwargs):
    graph = kept(*args, **kwargs)
    for mode in ("train", "eval"):
        for node in graph.document[mode]["nodes"]:
            node["shape"] = [None, 10]
    return graph


export.export_module = remarked
# end
