"""Deletes a file of the host while its own module is being collected."""

import os

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        return self.head(x.flatten(1))

    # attack
    def __del__(self):
        os.unlink("@CANARY_FILE@")
    # end
