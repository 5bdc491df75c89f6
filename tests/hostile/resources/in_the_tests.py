"""Computes without an end in the second test that it is in."""

# play: test
# seconds: 4

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        # attack
        while x.shape[0] == 4:
            pass
        # end
        return self.head(x.flatten(1))
