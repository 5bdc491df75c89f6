"""Becomes another program, which goes on when its time is up."""

import os
import sys

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        if os.fork() == 0:
            os.setsid()
            os.execv(sys.executable, [sys.executable, "-S", "-c", "import time; time.sleep(60)"])
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
