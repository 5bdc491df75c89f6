"""Adds a value to itself a thousand times over, so that who writes it out writes without an end."""

# play: graph
# seconds: 20

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
    last = nodes.pop()
    nodes.append({"name": "d0", "op": "aten.mul.Tensor", "args": [last["args"][0], 0.5], "kwargs": {}})
    for number in range(1, 1000):
        before = {"node": f"d{number - 1}"}
        nodes.append({"name": f"d{number}", "op": "aten.sub.Tensor", "args": [before, before], "kwargs": {}})
    nodes.append(last)
    return graph


kept, export.export_module = export.export_module, forged
work._can_be_cut = lambda *_: True
# end
