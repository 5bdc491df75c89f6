"""Stops the candidate that runs beside it, which would then be late."""

import os
import signal

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        # attack
        os.kill(int("@SIBLING_PID@"), signal.SIGSTOP)
        # end
        return self.head(x.flatten(1))
