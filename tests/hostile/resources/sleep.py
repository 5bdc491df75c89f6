"""Sleeps for an hour, which costs no time of the processor."""

# seconds: 2

import time

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        # attack
        time.sleep(3600)
        # end
        return self.head(x.flatten(1))
