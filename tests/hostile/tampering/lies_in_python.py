"""Cannot become a graph, and makes the process that then measures it count to ten."""

# play: ladder

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(64, 300)
        self.head = nn.Linear(300, 10)

    def forward(self, x):
        if float(x.sum()) > 1e9:
            x = -x
        return self.head(torch.relu(self.body(x.flatten(1))))


# attack
from neuromosaic.core.evaluation import measuring

measuring.parameters = lambda module: 10
# end
