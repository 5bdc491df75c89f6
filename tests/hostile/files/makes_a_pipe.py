"""Makes a named pipe by which another process could be fed."""

import os

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        os.mkfifo("@OPEN_FOLDER@/pipe")
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
