"""Blows one number up to a view without memory, and copies that."""

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
    nodes.insert(0, {"name": "view", "op": "aten.expand.default", "args": [{"tensor": document["parameters"][1]["name"]}, [1000000000, 10]], "kwargs": {}})
    nodes.insert(1, {"name": "forged", "op": "aten.clone.default", "args": [{"node": "view"}], "kwargs": {}})
    return graph


kept, export.export_module = export.export_module, forged
work._can_be_cut = lambda *_: True
# end
