"""Computes without an end when it is thrown away."""

# seconds: 2

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        return self.head(x.flatten(1))

    # attack
    def __del__(self):
        while True:
            pass
    # end
