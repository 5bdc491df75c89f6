"""Fails with a message of a hundred megabytes."""

# seconds: 8

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        raise ValueError("a\n" * 50_000_000)
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
