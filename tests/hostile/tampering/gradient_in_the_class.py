"""Makes every parameter say that it has a gradient."""

# play: ladder

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        self.dead = nn.Parameter(torch.ones(10))

    def forward(self, x):
        return self.head(x.flatten(1))


# attack
kept = torch.Tensor.grad
nn.Parameter.grad = property(lambda self: torch.ones_like(self.data), lambda self, value: None)
# end
