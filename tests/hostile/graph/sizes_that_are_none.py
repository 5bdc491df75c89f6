"""Asks for shapes with sizes that are no numbers, and with numbers that are no sizes."""

# play: graph

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
    nodes.insert(0, {"name": "forged", "op": "aten.view.default", "args": [{"input": 0}, [{"float": "nan"}, -7, 2.5]], "kwargs": {}})
    return graph


kept, export.export_module = export.export_module, forged
work._can_be_cut = lambda *_: True
# end
