"""Stops its own process and waits for somebody to wake it."""

# seconds: 2

import os
import signal

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        os.kill(os.getpid(), signal.SIGSTOP)
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
