"""Reads the host's store of runs."""

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        raise ValueError(open("@STORE_FILE@").read())
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
