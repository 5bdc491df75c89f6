"""Connects to a Unix socket of the host that has a name and no path."""

import socket

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        socket.socket(socket.AF_UNIX).connect("\0@ABSTRACT@")
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
