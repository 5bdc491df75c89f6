"""Calls the kernel of an LSTM with weights of the wrong sizes, which it does not check."""

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
    weight = {"tensor": document["parameters"][0]["name"]}
    bias = {"tensor": document["parameters"][1]["name"]}
    nodes.insert(0, {"name": "wide", "op": "aten.flatten.using_ints", "args": [{"input": 0}, 1], "kwargs": {}})
    nodes.insert(1, {"name": "long", "op": "aten.unsqueeze.default", "args": [{"node": "wide"}, 0], "kwargs": {}})
    nodes.insert(2, {"name": "state", "op": "aten.zeros.default", "args": [[1, 1, 4000]], "kwargs": {}})
    nodes.insert(3, {"name": "forged", "op": "aten.lstm.input", "args": [
        {"node": "long"}, [{"node": "state"}, {"node": "state"}], [weight, weight, bias, bias], True, 1, 0.0, False, False,
        False,
    ], "kwargs": {}})
    return graph


kept, export.export_module = export.export_module, forged
work._can_be_cut = lambda *_: True
# end
