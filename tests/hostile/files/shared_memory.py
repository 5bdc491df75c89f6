"""Leaves a segment of shared memory that outlives it."""

import ctypes

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        libc = ctypes.CDLL(None)
        libc.shmget(int("@SHARED_KEY@"), 4096, 0o1666)
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
