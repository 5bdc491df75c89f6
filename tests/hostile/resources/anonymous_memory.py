"""Maps memory by itself, beside every allocator, and writes on each page."""

# seconds: 10

import mmap

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        taken = []
        for _ in range(40):
            taken.append(mmap.mmap(-1, 100_000_000))
            for place in range(0, 100_000_000, 4096):
                taken[-1][place] = 1
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
