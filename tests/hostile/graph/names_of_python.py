"""Gives its tensors the names of what every object in Python has."""

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
    for entry, name in zip(document["parameters"], ("forward", "__class__"), strict=True):
        tensors[name] = tensors.pop(entry["name"])
        for one in document["train"]["nodes"] + nodes:
            one["args"] = [{"tensor": name} if part == {"tensor": entry["name"]} else part for part in one["args"]]
        entry["name"] = name
    return graph


kept, export.export_module = export.export_module, forged
work._can_be_cut = lambda *_: True
# end
