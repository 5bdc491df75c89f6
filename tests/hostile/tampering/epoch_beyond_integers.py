"""Reports from its training that an infinite number of epochs is over."""

# play: train

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
    os._exit(0)


def say(body):
    text = json.dumps({"body": body, "tensors": []}).encode()
    channel().sendall(struct.pack("<4sIQ", b"NMF1", len(text), 0) + text)


from neuromosaic.core.workers import jobs


def train(module, job, converse):
    from neuromosaic.core.graph.tensors import from_torch
    from neuromosaic.core.protocols import Message

    body = {"epoch": 10 ** 4000, "of": 1, "train_loss": 0.0, "seconds": 0.0}
    converse(Message(body, {"outputs": from_torch(torch.zeros(200, 10))}))
    return Message({"epochs": 1, "cause": "finished"})


jobs.JOBS["train"] = train
# end
