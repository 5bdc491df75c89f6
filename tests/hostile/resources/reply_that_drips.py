"""Sends its answer a byte at a time, so that the host is always just about to get the rest."""

# play: export
# seconds: 2

import os
import socket
import stat
import struct
import time

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
way.sendall(b"NMF1" + struct.pack("<IQ", 1000, 0))
for _ in range(10 ** 6):
    way.sendall(b" ")
    time.sleep(0.05)
# end
