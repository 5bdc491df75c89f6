"""Forks a process that lives on."""

import os
import time

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
