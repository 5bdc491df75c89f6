"""Has a shell leave a file behind and a program running."""

import os

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        os.system("echo later > @OPEN_FOLDER@/note; setsid sleep 62 > /dev/null 2>&1 &")
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
