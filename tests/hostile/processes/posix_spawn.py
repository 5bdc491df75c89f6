"""Starts a program by posix_spawn, which calls neither fork nor exec by name."""

import os

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        os.posix_spawn("/bin/sleep", ["sleep", "63"], {}, setsid=True)
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
