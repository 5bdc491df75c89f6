"""Recurses until the stack of the process overflows."""

# seconds: 6

import sys

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        sys.setrecursionlimit(10 ** 9)

        def deeper(n):
            return deeper(n + 1) + 1

        deeper(0)
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
