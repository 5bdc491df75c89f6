"""Makes a file of the host executable, and changes its times."""

import os

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        os.chmod("@CANARY_FILE@", 0o777)
        os.utime("@CANARY_FILE@", (1, 1))
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
