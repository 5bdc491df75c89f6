"""Asks for a tensor of a million million numbers."""

# play: graph
# seconds: 8

from torch import nn

from neuromosaic.core.graph import export
from neuromosaic.core.sandbox import work


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        return self.head(x.flatten(1))


# attack
def forged(*args, **kwargs):
    graph = kept(*args, **kwargs)
    document, tensors = graph.document, graph.tensors
    nodes = document["eval"]["nodes"]
    nodes.insert(0, {"name": "forged", "op": "aten.full.default", "args": [[1000000, 1000000], 1.0], "kwargs": {}})
    return graph


kept, export.export_module = export.export_module, forged
work._can_be_cut = lambda *_: True
# end
