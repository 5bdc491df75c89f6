"""Says in the sandbox's name that the sandbox could not be set up, which is never a candidate's fault."""

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


say({"failed": {"kind": "setup", "message": "the sandbox cannot start a process"}})
os._exit(0)
# end
