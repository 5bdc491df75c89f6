"""Clones itself as a child of its own parent, so that it does not look like its child."""

import ctypes
import os
import time

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        if ctypes.CDLL(None).syscall(56, 0x8000 | 17, 0, 0, 0, 0) == 0:
            os.setsid()
            time.sleep(60)
            os._exit(0)
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
