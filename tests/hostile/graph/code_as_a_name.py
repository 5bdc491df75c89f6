"""Gives a node a name that ends the line it stands in and begins another."""

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
    nodes[0]["name"] = name = "n = 1\nopen('@OPEN_FOLDER@/note', 'w').write('forged')\nm"
    for entry in nodes[1:]:
        entry["args"] = [{"node": name} if "node" in str(part) else part for part in entry["args"]]
    return graph


kept, export.export_module = export.export_module, forged
work._can_be_cut = lambda *_: True
# end
