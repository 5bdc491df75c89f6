"""Fills memory files, which count as files and not as its memory."""

# seconds: 10

import os

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        taken = []
        for number in range(40):
            taken.append(os.memfd_create(str(number)))
            os.write(taken[-1], bytes(100_000_000))
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
