"""Writes an IP packet of its own, with a sender that does not exist."""

import socket
import struct

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        way = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
        way.sendto(struct.pack("!HHHH", 9, int("@UDP_PORT@"), 13, 0) + b"hello", ("127.0.0.1", 0))
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
