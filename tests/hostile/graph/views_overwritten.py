"""Makes thousands of views of one tensor and overwrites it thousands of times: nothing to run, much to compare."""

# play: graph
# seconds: 30

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
    nodes.append({"name": "own", "op": "aten.clone.default", "args": [{"input": 0}], "kwargs": {}})
    for number in range(9000):
        nodes.append({"name": f"v{number}", "op": "aten.detach.default", "args": [{"node": "own"}], "kwargs": {}})
    for number in range(9000):
        nodes.append({"name": f"w{number}", "op": "aten.relu_.default", "args": [{"node": "own"}], "kwargs": {}})
    nodes.append(last)
    return graph


kept, export.export_module = export.export_module, forged
work._can_be_cut = lambda *_: True
# end
