"""Has another process run with a lower priority and on fewer processors."""

import os

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        os.setpriority(os.PRIO_PROCESS, int("@VICTIM_PID@"), 9)
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
