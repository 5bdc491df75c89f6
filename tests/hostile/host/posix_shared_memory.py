"""Reads a segment of shared memory that the host has made."""

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        raise ValueError(open("/dev/shm/@SHARED_NAME@").read())
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
